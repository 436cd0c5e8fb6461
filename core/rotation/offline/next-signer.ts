/**
 * Room: core/rotation. The key of the next signer of trust manifests, and what an offline root is asked for it. On AWS a
 * deployment makes the key: until then nothing is asked, and it is on record that the key is missing.
 */
import type { Fleet } from "../../authority/issuer.ts";
import { signerAlgorithm, signerAlias } from "../../distribution/trust-signer.ts";
import { ownCsr } from "../../enrollment/own-key.ts";
import { isAppError } from "../../errors.ts";
import type { App, KeyDescription, KeylessApp, WriteOperation } from "../../ports.ts";
import { missingSignerItem, missingSignerKey, missingSignerRecord } from "../../records/offline-record.ts";
import { drawSerial } from "./making.ts";
import { base64Of } from "./members.ts";
import type { AskedCertificate, NextSigner } from "./request.ts";
import { wantedSigner } from "./signer-need.ts";

export interface SignerKey {
  readonly signerId: string;
  readonly key: KeyDescription;
}

async function keyOf(app: App, fleet: string, signerId: string): Promise<KeyDescription | undefined> {
  try {
    return await app.keys.createKey(signerAlias(fleet, signerId), signerAlgorithm);
  } catch (error) {
    if (isAppError(error, "configuration_invalid")) return undefined;
    throw error;
  }
}

async function written(app: KeylessApp, operation: WriteOperation): Promise<void> {
  try {
    await app.items.transact([operation]);
  } catch (error) {
    // Another run has seen the same, or sees it the next time.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}

/** @param signerId Whose key is missing; undefined: none is. */
async function recordMissing(app: KeylessApp, fleet: string, signerId: string | undefined): Promise<void> {
  const item = await app.items.get(missingSignerKey(fleet));
  const known = item === undefined ? undefined : missingSignerRecord(item);
  if (known?.value.signerId === signerId) return;
  const record = { fleet, ...(signerId === undefined ? {} : { signerId }) };
  await written(app, { put: missingSignerItem(record), when: known?.version ?? "absent" });
}

/**
 * The signer to be and its key; undefined where none is wanted, or the key has to be deployed first.
 * @throws AppError key_service_unavailable, store_unavailable, internal (damaged).
 */
export async function availableSigner(app: App, fleet: Fleet): Promise<SignerKey | undefined> {
  const { fleet: name } = fleet.record;
  const signerId = await wantedSigner(app, fleet);
  const key = signerId === undefined ? undefined : await keyOf(app, name, signerId);
  await recordMissing(app, name, key === undefined ? signerId : undefined);
  return signerId === undefined || key === undefined ? undefined : { signerId, key };
}

export interface SignerAsked {
  readonly signer: NextSigner;
  readonly certificate: AskedCertificate;
  readonly keyId: string;
}

/** The key signs its own request (RFC 2986 §4.2). @throws AppError key_service_unavailable. */
export async function askSigner(
  app: App,
  fleet: string,
  { signerId, key }: SignerKey,
  signedBy: string,
): Promise<SignerAsked> {
  const csr = await ownCsr(app, key, { kind: "service", fleet, serviceId: signerId });
  return {
    signer: { signerId, csr: base64Of(csr.raw) },
    certificate: { profile: "trustSigner", subject: signerId, signedBy, serialNumber: drawSerial(app) },
    keyId: key.keyId,
  };
}
