/** Room: core/access. Secrets of 256 random bits, shown once; the store keeps their hash under a key of the fleet. */
import { hash } from "node:crypto";
import type { KeylessApp } from "../ports.ts";

/** 43 characters of base64url. */
export function drawSecret(app: KeylessApp): string {
  return Buffer.from(app.entropy.bytes(32)).toString("base64url");
}

/** The name under which a secret is stored: SHA-256, hexadecimal. 256 random bits need no salt. */
export function secretDigest(secret: string): string {
  return hash("sha256", secret);
}
