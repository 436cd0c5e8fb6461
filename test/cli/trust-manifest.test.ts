/** The signed trust manifest from the command line, against servers that serve what they should not. */
import { hash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyPurposes } from "../../core/formats/x509/extensions/index.ts";
import { type FakeAuthority, makeFakeAuthority } from "./fake-authority.ts";
import {
  history,
  type ManifestSigner,
  makeSigner,
  publishManifests,
  signedManifest,
} from "./fake-manifests.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { type RunOptions, runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const fingerprintOf = ({ root }: FakeAuthority): string => hash("sha256", new X509Certificate(root).raw);
const day = 86_400_000;

let service: FakeService;
let signer: ManifestSigner;
let versions: readonly string[];
let file: string;
beforeEach(async () => {
  service = await startFakeService();
  signer = makeSigner(service.authority);
  versions = history(service.authority, signer, 3);
  publishManifests(service, versions);
  file = join(temporaryDirectory(), "trust.jws");
});
afterEach(() => service.close());

const pull = (...more: string[]) =>
  runCli(["trust", "pull", "--manifest", file, "--url", service.url, "--ca", service.files.ca, ...more]);
const verify = (argv: readonly string[], options?: RunOptions) =>
  runCli(["trust", "verify", file, "--ca", service.files.ca, ...argv], options);
const kept = (): string => readFileSync(file, "utf8");

async function expectRefused(code: string, remedy: RegExp): Promise<void> {
  const before = existsSync(file) ? kept() : undefined;
  const out = join(temporaryDirectory(), "root.pem");
  const { code: exit, stdout, stderr } = await pull("--out", out);
  expect(stderr).toContain(`[${code}]`);
  expect(stderr).toMatch(remedy);
  expect({ exit, stdout }).toEqual({ exit: 7, stdout: "" });
  expect(existsSync(file) ? kept() : undefined).toBe(before);
  expect(existsSync(out)).toBe(false);
}

describe("trust pull --manifest", () => {
  it("begins with the CA file's roots: writes manifest and roots, says version and fingerprint", async () => {
    const out = join(temporaryDirectory(), "root.pem");
    const { code, stdout, stderr } = await pull("--out", out);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${file}\n` });
    expect(stderr).toContain("trust version 3; newer before ");
    expect(stderr).toContain(fingerprintOf(service.authority));
    expect(kept()).toBe(versions[2]);
    expect(new X509Certificate(readFileSync(out)).raw).toEqual(
      new X509Certificate(service.authority.root).raw,
    );
  });

  it("begins with a fingerprint where there is no CA file", async () => {
    const argv = ["--ca", "/nowhere/root.pem", "--fingerprint", fingerprintOf(service.authority), "--json"];
    const { code, stdout } = await pull(...argv);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      manifest: file,
      version: 3,
      nextUpdate: expect.any(String),
      fingerprints: [fingerprintOf(service.authority)],
    });
  });

  it("without a CA file, a fingerprint or a manifest connects to nobody", async () => {
    const { code, stderr } = await pull("--ca", "/nowhere/root.pem");
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("[fingerprint_required]") });
    expect(service.requests).toEqual([]);
  });

  it("goes on from what the file holds, though there is no CA file any more", async () => {
    writeFileSync(file, versions[0] ?? "");
    const { code, stderr } = await pull("--ca", "/nowhere/root.pem");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("version 3, before it was 1"),
    });
    expect(kept()).toBe(versions[2]);
  });

  it("changes nothing when the version is the same", async () => {
    writeFileSync(file, versions[2] ?? "");
    expect(await pull()).toMatchObject({ code: 0, stderr: expect.stringContaining("version 3, as before") });
  });

  it("walks over a change of signer, version by version", async () => {
    const { authority } = service;
    const next = makeSigner(authority);
    const second = signedManifest({
      ...{ authority, signer, version: 2, signers: [signer, next] },
      previous: versions[0] ?? "",
    });
    const third = signedManifest({ authority, signer: next, version: 3, previous: second });
    publishManifests(service, [versions[0], second, third]);
    writeFileSync(file, versions[0] ?? "");
    expect((await pull()).code).toBe(0);
    expect(kept()).toBe(third);
    expect(service.requests.map(({ path }) => path)).toEqual([
      "/v1/fleets/default/trust.jws",
      "/v1/fleets/default/trust/2.jws",
    ]);
    publishManifests(service, [versions[0], undefined, third]);
    writeFileSync(file, versions[0] ?? "");
    await expectRefused("trust_truncated", /begin anew/);
  });

  it("refuses an older version than the file's", async () => {
    writeFileSync(file, versions[2] ?? "");
    publishManifests(service, versions.slice(0, 2));
    await expectRefused("trust_rollback", /nothing was changed; tell the security team/);
  });

  it("refuses another text of the same version", async () => {
    const { authority } = service;
    const [first = ""] = versions;
    writeFileSync(file, first);
    const other = signedManifest({ authority, signer, version: 1, change: { crl: { windowDays: 9 } } });
    publishManifests(service, [other]);
    await expectRefused("trust_rollback", /security team/);
  });

  const foreign = [
    {
      name: "a signer that no root certified",
      make: () => {
        const other = makeFakeAuthority();
        return signedManifest({ authority: service.authority, signer: makeSigner(other), version: 1 });
      },
    },
    {
      name: "a key that was certified for TLS",
      make: () => {
        const server = makeSigner(service.authority, keyPurposes.serverAuth);
        return signedManifest({ authority: service.authority, signer: server, version: 1 });
      },
    },
    {
      name: "another fleet's manifest",
      make: () =>
        signedManifest({ authority: service.authority, signer, version: 1, change: { fleet: "clinic" } }),
    },
    {
      name: "a manifest whose signature was changed",
      make: () => {
        const [header = "", payload = ""] = (versions[0] ?? "").split(".");
        return `${header}.${payload}.${(versions[1] ?? "").split(".")[2]}`;
      },
    },
  ];
  it.each(foreign)("refuses $name", async ({ make }) => {
    publishManifests(service, [make()]);
    await expectRefused("trust_foreign", /fingerprint with the service's operators/);
  });

  it("refuses a signer that the known version does not name, though a root certified it", async () => {
    writeFileSync(file, versions[0] ?? "");
    const { authority } = service;
    const stranger = makeSigner(authority);
    const second = signedManifest({ authority, signer: stranger, version: 2, previous: versions[0] ?? "" });
    publishManifests(service, [versions[0], second]);
    await expectRefused("trust_foreign", /nothing was changed/);
  });

  it("refuses a manifest that was to be replaced by now", async () => {
    const past = (days: number): string =>
      new Date(Date.now() - days * day).toISOString().replace(/\.\d+Z/, "Z");
    const change = { issuedAt: past(40), notBefore: past(41), nextUpdate: past(10) };
    publishManifests(service, [signedManifest({ authority: service.authority, signer, version: 1, change })]);
    await expectRefused("trust_expired", /clock/);
  });

  it("refuses what is no manifest", async () => {
    publishManifests(service, ["no manifest"]);
    await expectRefused("trust_malformed", /names a Fleetkey service/);
  });

  it("leaves a file alone that it cannot read", async () => {
    writeFileSync(file, "notes");
    expect(await pull()).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/\[trust_malformed\]\n.+another file with --manifest/),
    });
    expect(kept()).toBe("notes");
    expect(service.requests).toEqual([]);
  });

  it("leaves a file alone that was changed after it was written", async () => {
    const [header, payload = "", signature] = (versions[0] ?? "").split(".");
    const text = Buffer.from(payload, "base64url").toString().replace('"windowDays":7', '"windowDays":8');
    const changed = [header, Buffer.from(text).toString("base64url"), signature].join(".");
    writeFileSync(file, changed);
    expect(await pull()).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("changed after it was written [trust_foreign]"),
    });
    expect(kept()).toBe(changed);
  });

  it("tells what the service says when it serves none", async () => {
    service.intercept = () => undefined;
    expect(await pull()).toMatchObject({ code: 1, stderr: expect.stringContaining("[not_found]") });
  });
});

describe("trust verify", () => {
  it("offline: the authorities as a table, version and end on stderr", async () => {
    writeFileSync(file, `${versions[1]}\n`);
    const { code, stdout, stderr } = await verify([]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("trust version 2 of fleet default"),
    });
    expect(stdout).toMatch(/^AUTHORITY +STATE +ISSUER +SHA-256\nroot-1 +root .+\nissuing-1 +active +root-1 /);
    expect(service.requests).toEqual([]);
  });

  it("as one JSON document", async () => {
    writeFileSync(file, versions[1] ?? "");
    const { stdout } = await verify(["--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ fleet: "default", version: 2, state: "current" },
      roots: [{ authorityId: "root-1", sha256: fingerprintOf(service.authority) }],
      authorities: [{ authorityId: "issuing-1", issuer: "root-1", state: "active" }],
    });
  });

  it("refuses one that was to be replaced, unless --allow-expired is given", async () => {
    writeFileSync(file, versions[0] ?? "");
    const now = () => Date.now() + 31 * day;
    expect(await verify([], { now })).toMatchObject({
      ...{ code: 7, stdout: "" },
      stderr: expect.stringContaining("[trust_expired]"),
    });
    const accepted = await verify(["--allow-expired", "--json"], { now });
    expect(accepted.code).toBe(0);
    expect(JSON.parse(accepted.stdout)).toMatchObject({ state: "expired" });
  });

  it("refuses another root's, and another fleet's where one is named", async () => {
    writeFileSync(file, versions[0] ?? "");
    for (const argv of [
      ["--fingerprint", "ab".repeat(32)],
      ["--fleet", "clinic"],
    ])
      expect(await verify(argv), argv.join(" ")).toMatchObject({
        ...{ code: 7, stdout: "" },
        stderr: expect.stringContaining("[trust_foreign]"),
      });
  });

  it("says which file is missing, and how to get one", async () => {
    expect(await verify([])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/\[file_missing\]\n.+trust pull --manifest/),
    });
  });
});

describe("trust ack", () => {
  const answer = { status: 200, body: { version: 2, current: 3 } };
  const ack = (argv: readonly string[], options?: RunOptions) =>
    runCli(["trust", "ack", ...argv, "--url", service.url, "--ca", service.files.ca], options);

  it("of a pipeline: its token as a bearer, the manifest's version, the firmware", async () => {
    service.intercept = () => answer;
    writeFileSync(file, versions[1] ?? "");
    const env = { FLEETKEY_TOKEN: "header.payload.signature" };
    expect(await ack(["--manifest", file, "--firmware", "2026.11.1"], { env })).toMatchObject({
      code: 0,
      stdout: "version 2 acknowledged; the newest is 3\n",
    });
    const [{ path, headers, body } = { path: "", headers: {}, body: "" }] = service.requests;
    expect(path).toBe("/v1/fleets/default/trust/acknowledgements");
    expect(headers.authorization).toBe("Bearer header.payload.signature");
    expect(JSON.parse(body)).toEqual({ version: 2, firmware: "2026.11.1" });
  });

  const refused = [
    { argv: ["--token", "a.b.c"], says: /--version N, or by --manifest/ },
    { argv: ["--version", "1", "--manifest", "f"], says: /--version N, or by --manifest/ },
    { argv: ["--version", "0", "--token", "a.b.c"], says: /--version is not a whole number from 1/ },
    { argv: ["--version", "1"], says: /--dir DIR for a device, --token-file FILE for a pipeline/ },
    { argv: ["--version", "1", "--dir", "d", "--token", "a.b.c"], says: /not both/ },
  ];
  it.each(refused)("$argv is refused with exit 2", async ({ argv, says }) => {
    const { code, stdout, stderr } = await ack(argv);
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(service.requests).toEqual([]);
  });
});
