/**
 * Room: test. 10,000 attempts to read what one may not: another context, fleet, subject or member, a message cut, changed
 * or put together of two, wrapped keys of others. Each is refused with the same words, and none with more.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import type { EncryptedDataKey } from "../../core/ports.ts";
import type { DataCaller } from "../../core/protection/data-caller.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import {
  type DataWorld,
  dataCaller,
  encrypted,
  fleet,
  openDataWorld,
  otherFleet,
  outcomeOf,
} from "./data-world.ts";
import { auditOf } from "./keeping-world.ts";

const trials = 10_000;
/** The same choices in each run; messages and keys are new in each. */
const random = seededRandom(7);

/** One of the data's own: where it is, what protects it. */
interface Target {
  readonly name: string;
  readonly context: ContextRequest;
  readonly message: Buffer;
  readonly wrapped: EncryptedDataKey;
}

let world: DataWorld;
let callers: ReadonlyMap<string, DataCaller>;
let targets: readonly Target[];

const contexts: readonly ContextRequest[] = ["observations", "exports"].flatMap((purpose) =>
  ["s-1", "s-2"].flatMap((subject) => [
    { purpose, subject },
    { purpose, subject, extra: { record: "r-1" } },
    { purpose, subject, extra: { record: "r-1", field: "pressure" } },
    { purpose, subject, extra: { record: "r-1", field: "pulse" } },
  ]),
);

async function target(name: string, context: ContextRequest, octets: number): Promise<Target> {
  const caller = callers.get(name) ?? expect.fail("no caller");
  const { wrapped } = await createDataKey(world.app, { caller, context, withPlaintext: false });
  const message = await encrypted(world.app, context, Buffer.alloc(octets, 0x5a), name);
  return { name, context, message, wrapped };
}

beforeAll(async () => {
  world = await openDataWorld();
  const named = [fleet, otherFleet].map(
    async (name) => [name, await dataCaller(world.app, { name })] as const,
  );
  callers = new Map(await Promise.all(named));
  const made: Target[] = [];
  for (const name of [fleet, otherFleet])
    for (const [index, context] of contexts.entries()) made.push(await target(name, context, index * 9));
  targets = made;
}, 60_000);
afterAll(() => world.close());

function pick<Value>(values: readonly Value[]): Value {
  const value = values[random.below(values.length)];
  return value ?? expect.fail("nothing to pick from");
}

const other = (target: Target): Target => pick(targets.filter((each) => each !== target));

function flipped(octets: Uint8Array): Buffer {
  const changed = Buffer.from(octets);
  const at = random.below(changed.length);
  changed.writeUInt8(changed.readUInt8(at) ^ (1 << random.below(8)), at);
  return changed;
}

const cut = (octets: Buffer): Buffer => octets.subarray(0, random.below(octets.length));

/** Version, suite, id and context of a message end here; its data key comes next. */
function contextEnd(message: Buffer): number {
  return 37 + message.readUInt16BE(35);
}

/** The header of one, up to the end of its context, before the rest of another. */
const spliced = (left: Buffer, right: Buffer): Buffer =>
  Buffer.concat([left.subarray(0, contextEnd(left)), right.subarray(contextEnd(right))]);

const headed = (left: Buffer, right: Buffer): Buffer => {
  const end = 1 + random.below(Math.min(left.length, right.length) - 1);
  return Buffer.concat([left.subarray(0, end), right.subarray(end)]);
};

interface Attempt {
  readonly name: string;
  readonly context: ContextRequest;
  readonly message: Buffer;
}

const own = ({ name, context, message }: Target): Attempt => ({ name, context, message });

/** What is tried with a message; undefined where chance made nothing of it. */
const attacks: Readonly<Record<string, (target: Target) => Attempt | undefined>> = {
  "another's context": (each) => {
    const { context } = other(each);
    return isSame(context, each.context) ? undefined : { ...own(each), context };
  },
  "another fleet": (each) => ({ ...own(each), name: each.name === fleet ? otherFleet : fleet }),
  "another subject": (each) => ({
    ...own(each),
    context: { ...each.context, subject: pick(["s-3", "s-11", "S-1"]) },
  }),
  "another purpose": (each) => ({
    ...own(each),
    context: { ...each.context, purpose: pick(["exports-2", "o"]) },
  }),
  "a member more": (each) => ({
    ...own(each),
    context: { ...each.context, extra: { ...each.context.extra, more: "x" } },
  }),
  "a member less": (each) => {
    const members = Object.entries(each.context.extra ?? {});
    if (members.length === 0) return undefined;
    const gone = random.below(members.length);
    const extra = Object.fromEntries(members.filter((_, index) => index !== gone));
    return { ...own(each), context: { ...each.context, extra } };
  },
  "a field of another name": (each) => ({
    ...own(each),
    context: { ...each.context, extra: { ...each.context.extra, field: "pulse-2" } },
  }),
  "a bit flipped": (each) => ({ ...own(each), message: flipped(each.message) }),
  "a message cut": (each) => ({ ...own(each), message: cut(each.message) }),
  "octets appended": (each) => ({
    ...own(each),
    message: Buffer.concat([each.message, Buffer.alloc(1 + random.below(39), random.below(256))]),
  }),
  "its context before another's rest": (each) => ({
    ...own(each),
    message: spliced(each.message, other(each).message),
  }),
  "its beginning before another's end": (each) => {
    const message = headed(each.message, other(each).message);
    return message.equals(each.message) ? undefined : { ...own(each), message };
  },
  noise: (each) => ({ ...own(each), message: random.octets(each.message.length) }),
};

const isSame = (left: ContextRequest, right: ContextRequest): boolean =>
  JSON.stringify(left) === JSON.stringify(right);

/** Decrypted, and one time in eight re-encrypted: what moves a message opens it as well. */
async function outcome({ name, context, message }: Attempt, way: number): Promise<string> {
  const caller = callers.get(name) ?? expect.fail("no caller");
  const request = { caller, context, message };
  if (way % 8 !== 0) return await outcomeOf(decryptData(world.app, request));
  return await outcomeOf(reencryptData(world.app, request));
}

type KeyAttempt = Pick<Target, "name" | "context" | "wrapped">;

/** What is tried with a wrapped data key. */
const keyAttacks: readonly ((target: Target) => KeyAttempt | undefined)[] = [
  (each) => {
    const { wrapped, context, name } = other(each);
    return isSame(context, each.context) && name === each.name ? undefined : { ...each, wrapped };
  },
  (each) => ({ ...each, name: each.name === fleet ? otherFleet : fleet }),
  (each) => ({
    ...each,
    wrapped: { ...each.wrapped, encryptedDataKey: flipped(each.wrapped.encryptedDataKey) },
  }),
  (each) => ({ ...each, wrapped: { ...each.wrapped, providerInfo: flipped(each.wrapped.providerInfo) } }),
  (each) => ({ ...each, wrapped: { ...each.wrapped, providerId: pick(["aws-kms", "", "fleetkey2"]) } }),
  (each) => ({ ...each, wrapped: { ...each.wrapped, providerInfo: other(each).wrapped.providerInfo } }),
  (each) => ({
    ...each,
    wrapped: { ...each.wrapped, encryptedDataKey: cut(Buffer.from(each.wrapped.encryptedDataKey)) },
  }),
];

describe(`${trials.toLocaleString("en")} attempts`, () => {
  it("first: what is asked rightly opens, so that a refusal means something", async () => {
    for (const each of targets) {
      const request = { caller: callers.get(each.name) ?? expect.fail("no caller"), context: each.context };
      const { plaintext } = await decryptData(world.app, { ...request, message: each.message });
      expect(plaintext.every((octet) => octet === 0x5a)).toBe(true);
      const opened = await unwrapDataKey(world.app, { ...request, wrapped: each.wrapped });
      expect(opened.plaintext).toHaveLength(32);
    }
  });

  it("with messages: one error, in one text; nothing is shown, and no reading is on record", async () => {
    const before = (await auditOf(world.app, "data.read")).length;
    const counts = new Map<string, number>();
    const names = Object.keys(attacks);
    let done = 0;
    while (done < trials) {
      const name = names[done % names.length] ?? "";
      const attempt = attacks[name]?.(pick(targets));
      if (attempt === undefined) continue;
      done += 1;
      const key = `${name}: ${await outcome(attempt, done)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const refused = names.map((name) => `${name}: unreadable`);
    expect([...counts.keys()].sort()).toEqual(refused.sort());
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(trials);
    expect(await auditOf(world.app, "data.read")).toHaveLength(before);
  }, 120_000);

  it("and a tenth as many with wrapped data keys: the same", async () => {
    const outcomes = new Set<string>();
    let done = 0;
    while (done < trials / 10) {
      const attempt = keyAttacks[done % keyAttacks.length]?.(pick(targets));
      if (attempt === undefined) continue;
      done += 1;
      const { name, context, wrapped } = attempt;
      const caller = callers.get(name) ?? expect.fail("no caller");
      outcomes.add(await outcomeOf(unwrapDataKey(world.app, { caller, context, wrapped })));
    }
    expect([...outcomes]).toEqual(["unreadable"]);
  }, 60_000);
});

it("a key by another's name is refused before a store or a key service is asked", async () => {
  const deaf = () => Promise.reject(new AppError("store_unavailable", "nobody is to ask"));
  const app = { ...world.app, subjectKeys: { get: deaf, query: deaf, transact: deaf } };
  const caller = callers.get(fleet) ?? expect.fail("no caller");
  const [mine, theirs] = ["s-1", "s-2"].map((subject) =>
    targets.find(
      ({ name, context }) => name === fleet && isSame(context, { purpose: "observations", subject }),
    ),
  );
  if (mine === undefined || theirs === undefined) expect.fail("no targets");
  const request = { caller, context: mine.context };
  expect(await outcomeOf(unwrapDataKey(app, { ...request, wrapped: theirs.wrapped }))).toBe("unreadable");
  expect(await outcomeOf(unwrapDataKey(app, { ...request, wrapped: mine.wrapped }))).toBe(
    "store_unavailable",
  );
});
