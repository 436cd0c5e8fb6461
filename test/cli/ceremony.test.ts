/** Room: test. `fleetkey ceremony` on a machine without a network, with files as people carry them. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAnswer } from "../../core/rotation/offline/answer.ts";
import { encodeRequest, type OfflineRequest, requestDigest } from "../../core/rotation/offline/request.ts";
import { fleet, type OfflineHouse, openOfflineHouse } from "../rotation/offline-house.ts";
import { openssl, opensslInstalled, opensslOutput } from "../support/openssl.ts";
import { startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";

let house: OfflineHouse;
let directory: string;
let request: OfflineRequest;
let rolloverId: string;
const file = (name: string) => join(directory, name);
const pass = "correct horse battery staple";

async function participant(name: string, algorithm = "EC"): Promise<void> {
  const options = algorithm === "EC" ? ["-pkeyopt", "ec_paramgen_curve:P-256"] : [];
  const pem = await opensslOutput(["genpkey", "-algorithm", algorithm, ...options]);
  await writeFile(file(name), pem, { mode: 0o600 });
}

const signing = (changes: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    request: file("request.json"),
    digest: requestDigest(request),
    "root-key": file("ceremony/root-2.key"),
    "passphrase-file": file("pass"),
    csr: file("ceremony/root-2.csr"),
    participant: `${file("one.key")},${file("two.key")}`,
    out: file("answer.json"),
    ...changes,
  }).flatMap(([name, value]) => [`--${name}`, value]);

const run = (...words: readonly string[]) => runCli(["ceremony", ...words]);
const init = (...more: readonly string[]) =>
  run(
    "init",
    "--out",
    file("ceremony"),
    "--fleet",
    fleet,
    "--id",
    "root-2",
    "--passphrase-file",
    file("pass"),
    ...more,
  );

beforeAll(async () => {
  house = await openOfflineHouse();
  directory = await mkdtemp(join(tmpdir(), "fleetkey-ceremony-"));
  await writeFile(file("pass"), `${pass}\n`, { mode: 0o600 });
  await writeFile(file("wrong"), "incorrect horse battery staple\n");
  const plan = { kind: "root", fromId: "root-1", toId: "root-2", custody: "offline" } as const;
  ({ rolloverId } = await house.plan({ ...plan, algorithm: "P-384" }));
  request = await house.asked(rolloverId);
  await writeFile(file("request.json"), `${encodeRequest(request)}\n`);
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await house.close();
});

describe.skipIf(!opensslInstalled)("fleetkey ceremony", () => {
  beforeAll(async () => {
    await participant("one.key");
    await participant("two.key", "ED25519");
  });

  it("init: makes an encrypted key for its owner alone, which OpenSSL opens with the passphrase only", async () => {
    const made = await init();
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)]);
    expect(await readFile(file("ceremony/root-2.key"), "utf8")).toMatch(
      /^-----BEGIN ENCRYPTED PRIVATE KEY-----/,
    );
    expect((await stat(file("ceremony/root-2.key"))).mode & 0o777).toBe(0o600);
    const opened = (secret: string) =>
      openssl(["pkey", "-in", file("ceremony/root-2.key"), "-passin", `file:${file(secret)}`, "-noout"]);
    expect([(await opened("pass")).accepted, (await opened("wrong")).accepted]).toEqual([true, false]);
    const csr = await openssl(["req", "-in", file("ceremony/root-2.csr"), "-verify", "-noout", "-subject"]);
    expect(csr.output).toContain(`${fleet} root-2`);
  });

  it("init: writes over no key", async () => {
    const again = await init();
    expect([again.code, again.stderr]).toEqual([5, expect.stringContaining("file_exists")]);
  });

  it("init: takes no passphrase of less than 16 characters", async () => {
    await writeFile(file("short"), "fifteen letters");
    const refused = await run(
      ...[
        "init",
        "--out",
        file("other"),
        "--fleet",
        fleet,
        "--id",
        "root-2",
        "--passphrase-file",
        file("short"),
      ],
    );
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining("passphrase_unfit")]);
    expect(refused.stderr).not.toContain("fifteen letters");
  });

  it.each([
    ["another digest", { digest: "0".repeat(64) }, 7, "request_changed"],
    ["a wrong passphrase", { "passphrase-file": () => file("wrong") }, 5, "passphrase_wrong"],
    [
      "one participant twice",
      { participant: () => `${file("one.key")},${file("one.key")}` },
      5,
      "ceremony_invalid",
    ],
    ["one participant", { participant: () => file("one.key") }, 5, "ceremony_invalid"],
    ["a participant's key for the root's", { "root-key": () => file("one.key") }, 5, "ceremony_invalid"],
    ["no request of the new key", { csr: () => file("pass") }, 5, "pem_malformed"],
  ] as const)("sign: writes nothing with %s", async (_, change, code, word) => {
    const entries = Object.entries(change).map(([name, value]) => [
      name,
      typeof value === "string" ? value : value(),
    ]);
    const refused = await run(
      "sign",
      ...signing({ ...Object.fromEntries(entries), out: file("never.json") }),
    );
    expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(word)]);
    await expect(stat(file("never.json"))).rejects.toThrow("ENOENT");
    expect(refused.stdout + refused.stderr).not.toContain(pass);
  });

  it("sign: refuses a request that was changed on the way, which people see by its digest", async () => {
    const changed = encodeRequest({ ...request, expiresAt: "2099-01-01T00:00:00Z" });
    await writeFile(file("changed.json"), changed);
    const refused = await run("sign", ...signing({ request: file("changed.json"), out: file("never.json") }));
    expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining("changed on the way")]);
  });

  it("sign, verify: what is signed is shown before, verified after, and taken in", async () => {
    const signed = await run("sign", ...signing());
    expect([signed.code, signed.stderr]).toEqual([0, expect.stringContaining("root-2")]);
    const verified = await run(
      "verify",
      "--answer",
      file("answer.json"),
      "--digest",
      requestDigest(request),
      "--json",
    );
    expect(verified.code).toBe(0);
    const document = JSON.parse(verified.stdout) as { participants: unknown[]; certificates: unknown[] };
    expect([document.participants.length, document.certificates.length]).toEqual([2, 2]);
    const answer = readAnswer(await readFile(file("answer.json"), "utf8"));
    await house.bring(rolloverId, answer);
    await house.hold(rolloverId);
    expect((await house.rollover(rolloverId)).state).toBe("published");
  });

  it("verify: refuses an answer that was cut off, or changed", async () => {
    const text = await readFile(file("answer.json"), "utf8");
    await writeFile(file("cut.json"), text.slice(0, text.length / 2));
    await writeFile(file("other.json"), text.replace('"purpose":"root"', '"purpose":"list"'));
    for (const name of ["cut.json", "other.json"]) {
      const refused = await run("verify", "--answer", file(name));
      expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining("ceremony_invalid")]);
    }
  });
});

describe("fleetkey ceremony without a rollover", () => {
  const fetchedOf = async (name: string, body: object, ...words: readonly string[]) => {
    const service = await startFakeService();
    service.intercept = ({ path }) =>
      path.endsWith(`/fleets/${fleet}/offline-request`) ? { status: 200, body } : undefined;
    const outcome = await run("request", ...words, "--out", file(name), ...service.flags);
    await service.close();
    return outcome;
  };
  const list = (): OfflineRequest => {
    const { rolloverId: _, successor: __, ...rest } = request;
    return {
      ...rest,
      purpose: "list",
      certificates: [],
      lists: [{ ...request.lists[0]!, signedBy: "root-1" }],
    };
  };

  it("request: fetches the fleet's own, and no rollover's in its place", async () => {
    const sha256 = requestDigest(list());
    const { code, stdout } = await fetchedOf("own.json", { request: list(), sha256 });
    expect([code, stdout]).toEqual([0, `${sha256}\n`]);
    expect(await readFile(file("own.json"), "utf8")).toBe(`${encodeRequest(list())}\n`);
    const foreign = await fetchedOf("foreign.json", { request, sha256: requestDigest(request) });
    expect([foreign.code, foreign.stderr]).toEqual([7, expect.stringContaining("request_changed")]);
    await expect(stat(file("foreign.json"))).rejects.toThrow("ENOENT");
  });

  it("import: takes no answer for a rollover, nor the fleet's own for one", async () => {
    const answer = {
      version: 1,
      type: "fleetkey-ceremony-answer",
      certificates: [],
      lists: [],
      transcript: [],
    };
    await writeFile(file("own-answer.json"), JSON.stringify({ ...answer, request: list() }));
    await writeFile(file("its-answer.json"), JSON.stringify({ ...answer, request }));
    const own = await run("import", rolloverId, "--answer", file("own-answer.json"));
    expect([own.code, own.stderr]).toEqual([2, expect.stringContaining("leave ROLLOVER out")]);
    const its = await run("import", "--answer", file("its-answer.json"));
    expect([its.code, its.stderr]).toEqual([2, expect.stringContaining(`for rollover ${rolloverId}`)]);
  });
});

describe("fleetkey ceremony request", () => {
  const fetched = async (name: string, answer: object) => {
    const service = await startFakeService();
    service.intercept = ({ path }) =>
      path.endsWith(`/rollovers/${rolloverId}/offline-request`) ? { status: 200, body: answer } : undefined;
    const outcome = await run("request", rolloverId, "--out", file(name), ...service.flags);
    await service.close();
    return outcome;
  };

  it("writes the request in its one form, and its digest alone to stdout", async () => {
    const sha256 = requestDigest(request);
    const { code, stdout } = await fetched("fetched.json", { request, sha256 });
    expect([code, stdout]).toEqual([0, `${sha256}\n`]);
    expect(await readFile(file("fetched.json"), "utf8")).toBe(`${encodeRequest(request)}\n`);
  });

  it("writes nothing where the digest is another's, or the rollover is", async () => {
    const other = { ...request, rolloverId: "f".repeat(32) };
    for (const answer of [
      { request, sha256: "0".repeat(64) },
      { request: other, sha256: requestDigest(other) },
    ]) {
      const { code, stderr } = await fetched("refused.json", answer);
      expect([code, stderr]).toEqual([7, expect.stringContaining("request_changed")]);
    }
    await expect(stat(file("refused.json"))).rejects.toThrow("ENOENT");
  });
});
