/**
 * Room: core/records. The idempotency record: which certificate answers a request. It is written in the
 * transaction that records the intent, so one request never leads to two certificates.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { text } from "./attributes.ts";

/** `digest`: SHA-256 of credential, CSR and profile, hexadecimal. */
export function requestKey(fleet: string, digest: string): ItemKey {
  return { pk: `REQUEST#${fleet}#${digest}`, sk: "REQUEST" };
}

/** `digest` names credential, CSR and profile; it is kept as long as the certificate is valid. */
export function requestItem(fleet: string, digest: string, serialNumber: string, notAfter: number): NewItem {
  return {
    ...requestKey(fleet, digest),
    attributes: { serialNumber },
    expiresAt: Math.ceil(notAfter / 1000),
  };
}

/**
 * The certificate's serial number, lowercase hexadecimal.
 * @throws AppError internal when the item has none.
 */
export function requestedSerialNumber(item: Item): string {
  return text(item, "serialNumber");
}
