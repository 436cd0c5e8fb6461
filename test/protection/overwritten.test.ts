/** Room: test. Keys and plaintexts in the clear are overwritten when the work is done, and when it fails. */
import { beforeEach, describe, expect, it } from "vitest";
import { encryptionSdkCipher } from "../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../adapters/encryption/kms-fleet-keyring.ts";
import { AppError } from "../../core/errors.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { readAsOperator, requestOperatorDecryption } from "../../core/protection/operator-decryption.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { openField, sealField } from "../../core/protection/sealed-field.ts";
import {
  approvalOf,
  dataCaller,
  encrypted,
  exported,
  fleet,
  observations,
  operatorOf,
} from "./data-world.ts";
import { type KeepingApp, openWorld } from "./keeping-world.ts";

/** Whatever a port has handed out, and what a cipher was lent, with what it was at that time. */
interface Witness {
  readonly app: KeepingApp;
  readonly seen: { readonly what: string; readonly octets: Buffer; readonly was: Buffer }[];
}

/** Each kept octet string is written down under its name. */
async function openWitness(): Promise<Witness> {
  const { app, keys } = await openWorld({ fleetWrappedPurposes: ["exports"] });
  const seen: Witness["seen"] = [];
  const note = <Octets extends Buffer>(what: string, octets: Octets): Octets => {
    seen.push({ what, octets, was: Buffer.from(octets) });
    return octets;
  };
  const { keyPairs } = app;
  const cipher = encryptionSdkCipher({ fleetKeyring: kmsFleetKeyrings(keys) });
  const witness: KeepingApp = {
    ...app,
    wrappingKeys: {
      ...keys,
      generate: async (...wish) => {
        const made = await keys.generate(...wish);
        note("a subject key that was made", made.plaintext);
        return made;
      },
      unwrap: async (...wish) => note("a subject key that was opened", await keys.unwrap(...wish)),
    },
    keyPairs: {
      make: async (algorithm) => {
        const pair = await keyPairs.make(algorithm);
        note("a private key", pair.privateKey);
        return pair;
      },
    },
    cipher: {
      ...cipher,
      encrypt: async (wrapping, ...rest) => {
        if (wrapping.kind === "subject") note("a key lent to encrypt", wrapping.key);
        return await cipher.encrypt(wrapping, ...rest);
      },
      decrypt: async (wrapping, ...rest) => {
        if (wrapping.kind === "subject") note("a key lent to decrypt", wrapping.key);
        return note("a plaintext", await cipher.decrypt(wrapping, ...rest));
      },
      createDataKey: async (wrapping, context) => {
        const made = await cipher.createDataKey(wrapping, context);
        note("a data key", made.plaintext);
        return made;
      },
      unwrapDataKey: async (...wish) => note("a data key", await cipher.unwrapDataKey(...wish)),
    },
  };
  return { app: witness, seen };
}

let witness: Witness;
let app: KeepingApp;
beforeEach(async () => {
  witness = await openWitness();
  ({ app } = witness);
});

const isZero = (octets: Buffer) => octets.every((octet) => octet === 0);

/** Names of what still is what it was, beside those octets that the caller now has. */
function left(given: readonly (Buffer | undefined)[] = []): readonly string[] {
  expect(witness.seen.every(({ was }) => !isZero(was))).toBe(true);
  const rest = witness.seen.filter(({ octets }) => !given.includes(octets) && !isZero(octets));
  return rest.map(({ what }) => what);
}

const noticed = () => new Set(witness.seen.map(({ what }) => what));

/** The store of items from now on takes nothing. */
const mute = (): KeepingApp => ({
  ...app,
  items: {
    get: (key) => app.items.get(key),
    query: (query) => app.items.query(query),
    transact: () => Promise.reject(new AppError("store_unavailable", "no")),
  },
});

describe.each([
  ["under subject keys", observations],
  ["under the fleet's key", exported],
] as const)("%s", (_name, context) => {
  it("a data key that is given wrapped alone is overwritten; one that is given in the clear is the caller's", async () => {
    const caller = await dataCaller(app);
    const { wrapped } = await createDataKey(app, { caller, context, withPlaintext: false });
    expect(left()).toEqual([]);
    const made = await createDataKey(app, { caller, context, withPlaintext: true });
    const opened = await unwrapDataKey(app, { caller, context, wrapped });
    expect(left([made.plaintext, opened.plaintext])).toEqual([]);
    expect([made.plaintext, opened.plaintext].some((key) => key === undefined || isZero(key))).toBe(false);
    await expect(unwrapDataKey(mute(), { caller, context, wrapped })).rejects.toThrow();
    expect(left([made.plaintext, opened.plaintext])).toEqual([]);
  });

  it("a private key is, whether or not it could be wrapped", async () => {
    const request = { caller: await dataCaller(app), context, keyAlgorithm: "Ed25519" } as const;
    await createDataKeyPair(app, request);
    const { cipher } = app;
    const failing = { ...app, cipher: { ...cipher, encrypt: () => Promise.reject(new Error("no")) } };
    await expect(createDataKeyPair(failing, request)).rejects.toThrow();
    expect(noticed()).toContain("a private key");
    expect(left()).toEqual([]);
  });

  it("a plaintext that nobody may see is: of a move, and of a reading that is not on record", async () => {
    const message = await encrypted(app, context);
    const request = { caller: await dataCaller(app), context, message };
    await reencryptData(app, request);
    await reencryptData(app, { ...request, to: { ...context, subject: "s-2" } });
    await expect(reencryptData(mute(), { ...request, to: { ...context, subject: "s-2" } })).rejects.toThrow();
    await expect(decryptData(mute(), request)).rejects.toThrow();
    expect(noticed()).toContain("a plaintext");
    expect(left()).toEqual([]);
    const { plaintext } = await decryptData(app, request);
    expect(plaintext.toString()).toBe("120 over 80");
    expect(left([plaintext])).toEqual([]);
  });

  it("an operator's reading that fails is", async () => {
    const caller = await operatorOf(app);
    const message = await encrypted(app, context);
    const asked = { caller, context, message, reason: "an emergency" };
    const { decryptionId } = await requestOperatorDecryption(app, asked);
    const approval = await approvalOf(app, caller, decryptionId);
    const request = { caller, approval, decryptionId };
    await expect(readAsOperator(mute(), request)).rejects.toThrow();
    const notifier = { notify: () => Promise.reject(new AppError("notifier_unavailable", "no")) };
    await expect(readAsOperator({ ...app, notifier }, request)).rejects.toThrow();
    expect(noticed()).toContain("a plaintext");
    expect(left()).toEqual([]);
  });
});

it("a sealed text's octets are, when it is text again", async () => {
  const place = { fleet, kind: "incident", record: "i-1", field: "text" };
  const sealed = await sealField(app, place, "Jane Doe");
  expect(await openField(app, place, sealed)).toBe("Jane Doe");
  expect(noticed()).toContain("a plaintext");
  expect(left()).toEqual([]);
});
