/**
 * Room: core/records. A proof of possession that was used: its presence is all it says. Functions that otherwise only
 * read may put items whose partition key begins with `PROOF#`, and no others (`lambdas/route.ts`).
 */
import { hash } from "node:crypto";
import type { NewItem, VerifiedProof } from "../ports.ts";

/** RFC 9449 §11.1: `jti` is unique for its key, and remembered as long as the proof would be taken. */
export function proofItem(fleet: string, { keyThumbprint, proofId, expiresAt }: VerifiedProof): NewItem {
  return {
    pk: `PROOF#${fleet}#${hash("sha256", `${keyThumbprint}\n${proofId}`)}`,
    sk: "PROOF",
    attributes: {},
    expiresAt: Math.ceil(expiresAt / 1000) + 1,
  };
}
