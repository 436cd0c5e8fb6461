/**
 * Room: adapters/system. Fresh key pairs whose private key will be wrapped, made off the event loop and kept nowhere.
 * What a caller overwrites is the key's DER; what OpenSSL and the runtime copied meanwhile is freed, not overwritten.
 */
import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { DataKeyPairs } from "../../core/ports.ts";

const generate = promisify(generateKeyPair);

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const makers: Readonly<Record<string, () => Promise<Pair>>> = {
  "P-256": () => generate("ec", { namedCurve: "P-256" }),
  "P-384": () => generate("ec", { namedCurve: "P-384" }),
  Ed25519: () => generate("ed25519"),
  // FIPS 186-5 §5.4: e = 65537.
  "RSA-3072": () => generate("rsa", { modulusLength: 3_072, publicExponent: 65_537 }),
} satisfies Readonly<Record<Parameters<DataKeyPairs["make"]>[0], () => Promise<Pair>>>;

export const systemDataKeyPairs: DataKeyPairs = {
  async make(algorithm) {
    const maker = makers[algorithm];
    if (maker === undefined) throw new Error(`no maker of ${algorithm}`);
    const { publicKey, privateKey } = await maker();
    return {
      publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
      privateKey: privateKey.export({ type: "pkcs8", format: "der" }),
    };
  },
};
