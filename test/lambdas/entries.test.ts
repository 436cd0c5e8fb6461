/** Room: test. The functions as they are deployed: what their bundles hold, and how they start. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BundleReport, bundleFunction, bundleModule } from "../../infra/function-bundle.ts";
import { type FunctionId, routes, type TaskFunctionId, tasks } from "../../lambdas/routes.ts";
import { functionEnvironment as environment } from "../../scripts/function-environment.ts";

type Entry = FunctionId | TaskFunctionId;
const entries: readonly Entry[] = [...new Set([...routes, ...tasks].map((row) => row.function))];
const root = join(import.meta.dirname, "../..");

/** What a fresh process, with nothing else in its environment, says of importing the module. */
function importing(file: string, env: Readonly<Record<string, string>>): string {
  const script = `
    const net = await import("node:net");
    net.Socket.prototype.connect = () => { throw new Error("reached for the network"); };
    try {
      const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
      console.log(typeof handler);
    } catch (error) { console.log(error.code + ": " + error.message); }
    process.exit(0);`;
  const options = { env: { ...env }, encoding: "utf8" } as const;
  return execFileSync(process.execPath, ["--input-type=module", "--eval", script], options).trim();
}

const directory = mkdtempSync(join(tmpdir(), "fleetkey-entries-"));
const bundles = new Map<Entry, BundleReport>();
beforeAll(() => {
  for (const entry of entries)
    bundles.set(entry, bundleFunction({ entry, directory: join(directory, entry) }));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const inputsOf = (entry: Entry): string => Object.keys(bundles.get(entry)?.metafile.inputs ?? {}).join("\n");

/** What each function may touch, and so what may be in its bundle. */
const holds: Readonly<Record<Entry, readonly string[]>> = {
  enrollment: ["dynamodb", "kms"],
  distribution: ["dynamodb", "s3"],
  revocation: ["dynamodb", "lambda"],
  ocsp: ["dynamodb", "kms"],
  rotation: ["dynamodb", "lambda"],
  access: ["dynamodb"],
  reconciliation: ["dynamodb", "kms", "sns"],
  publication: ["dynamodb", "kms", "s3", "sns"],
  maintenance: ["dynamodb", "lambda", "sns"],
  bootstrap: ["dynamodb", "kms", "s3", "sns"],
  provisioning: ["dynamodb"],
  rollover: ["dynamodb", "kms", "lambda", "sns"],
  ceremony: ["dynamodb", "kms", "lambda", "s3", "sns"],
  servers: ["acm", "dynamodb", "kms", "lambda", "sns"],
  protection: ["dynamodb", "kms", "lambda", "sns"],
  safekeeping: ["dynamodb", "kms", "sns"],
};

describe.each(entries.map((entry) => ({ entry })))("the bundle of $entry", ({ entry }) => {
  it(`holds the clients of ${holds[entry].join(", ")} and no other`, () => {
    const found = [...inputsOf(entry).matchAll(/node_modules\/@aws-sdk\/client-([a-z0-9]+)\//g)].map(
      (match) => match[1],
    );
    expect([...new Set(found)].sort()).toEqual(holds[entry]);
  });

  it("holds the AWS Encryption SDK where data is protected, and nowhere else", () => {
    expect(inputsOf(entry).includes("node_modules/@aws-crypto/")).toBe(entry === "protection");
  });

  it("holds no local adapter, no schema of answers, and nothing of rehearsals", () => {
    expect(inputsOf(entry)).not.toMatch(
      /adapters\/local|answer-schemas|openapi-operations|^local\/|rehearsal/m,
    );
    const texts = readdirSync(join(directory, entry)).map((name) =>
      readFileSync(join(directory, entry, name), "utf8"),
    );
    expect(texts.join("")).not.toContain("x-rehearsal-client-certificate");
  });

  it("imports without a word to the network, given its variables", () => {
    expect(importing(bundles.get(entry)?.file ?? "", environment)).toBe("function");
  });

  it("without them says which are missing, what they hold, and what to do", () => {
    const message = importing(bundles.get(entry)?.file ?? "", { AWS_REGION: "eu-central-1" });
    expect(message).toMatch(
      /^configuration_invalid: environment lacks FLEETKEY_TABLE \(name of the item table\)/,
    );
    expect(message).toContain("deploy the function with its stack");
  });
});

describe.each(entries.filter((entry) => !holds[entry].includes("kms")).map((entry) => ({ entry })))(
  "the bundle of $entry, which may not sign,",
  ({ entry }) => {
    it("holds nothing with which to sign", () => {
      const signing = /kms|core\/enrollment\/(?:enroll|renew|authorised|own-key|issue-once|issuance)\.ts/;
      expect(inputsOf(entry)).not.toMatch(signing);
      // One judges certificates that an offline root has signed, one requests that people are asked to approve.
      if (entry !== "rotation" && entry !== "access")
        expect(inputsOf(entry)).not.toMatch(/x509\/extensions\/index\.ts/);
    });
  },
);

describe("bundling", () => {
  it("keeps the members of the AWS Encryption SDK, which is CommonJS, for a lazy import", async () => {
    const source = 'export { encryptionSdk } from "./adapters/encryption/encryption-sdk.ts";';
    const { file } = bundleModule({ source, directory: join(directory, "sdk") });
    const { encryptionSdk } = await import(pathToFileURL(file).href);
    const { buildClient, KeyringTraceFlag } = await encryptionSdk();
    expect([typeof buildClient, typeof KeyringTraceFlag]).toEqual(["function", "object"]);
  });

  it("gives the same octets again, whichever directory receives them", () => {
    const [first, again] = [join(directory, "first"), join(directory, "elsewhere/again")];
    for (const each of [first, again]) bundleFunction({ entry: "revocation", directory: each });
    expect(readdirSync(again).sort()).toEqual(readdirSync(first).sort());
    for (const name of readdirSync(first)) {
      expect(readFileSync(join(again, name)).equals(readFileSync(join(first, name))), name).toBe(true);
    }
  });

  it("wraps the handler in the rehearsal's wrapper when it is given one, and only then", () => {
    const wrapper = join(root, "scripts/rehearsal/forwarded-certificate.ts");
    const { metafile } = bundleFunction({
      entry: "revocation",
      directory: join(directory, "wrapped"),
      wrapper,
    });
    expect(Object.keys(metafile.inputs)).toContain("scripts/rehearsal/forwarded-certificate.ts");
    expect(importing(join(directory, "wrapped/index.mjs"), environment)).toBe("function");
  });
});
