import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { STSClient } from "@aws-sdk/client-sts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { assertOrigin } from "../../core/bootstrap/origin.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { commonNames } from "../../core/formats/name.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { assertPlace, identifyCaller, signInAdvice } from "../../scripts/deployment/account.ts";
import { runCommand } from "../../scripts/deployment/command.ts";
import { bootstrapFleet, confirmGateway } from "../../scripts/deployment/fleets.ts";
import {
  checkOperator,
  installOperator,
  installRoot,
  operatorFiles,
  operatorId,
  prepareOperator,
} from "../../scripts/deployment/operator.ts";
import { deployFlags } from "../../scripts/deployment/options.ts";
import { originOf } from "../../scripts/deployment/stacks.ts";
import { readStage } from "../../scripts/deployment/stage.ts";
import { makeFakeAuthority } from "../cli/fake-authority.ts";
import { temporaryDirectory } from "../cli/temporary-directory.ts";

describe("--help", () => {
  it.each([
    { script: "deploy", flags: [...Object.keys(deployFlags), "help"] },
    { script: "rehearse", flags: ["no-iam", "iam-only", "keep", "report", "help"] },
  ])("of $script prints every flag on stdout and nothing else, exit 0", async ({ script, flags }) => {
    const { code, stdout, stderr } = await runCommand(process.execPath, [`scripts/${script}.ts`, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect([...stdout.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, flag]) => flag).sort()).toEqual(flags.sort());
  });

  it("is named where the rehearsal's flags are wrong, exit 2", async () => {
    for (const argv of [["--iam"], ["--no-iam", "--iam-only"]]) {
      const { code, stdout, stderr } = await runCommand(process.execPath, ["scripts/rehearse.ts", ...argv]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("npm run rehearse");
    }
  });
});

const caller = { account: "123456789012", arn: "arn:aws:sts::123456789012:assumed-role/deployer/someone" };
const sts = (Account: string, Arn: string) =>
  ({ send: async () => ({ Account, Arn }) }) as unknown as STSClient;

describe("preflight", () => {
  it("lets a stage be deployed where it belongs, and anywhere when it does not say", () => {
    expect(() => assertPlace({ stage: "dev" }, caller, "eu-west-1")).not.toThrow();
    const here = { stage: "prod", account: caller.account, region: "eu-west-1" };
    expect(() => assertPlace(here, caller, "eu-west-1")).not.toThrow();
  });

  it.each([
    { name: "another account", place: { account: "210987654321" }, says: "belongs to account 210987654321" },
    { name: "another region", place: { region: "us-east-1" }, says: "belongs to region us-east-1" },
  ])("refuses credentials of $name", ({ place, says }) => {
    expect(() => assertPlace({ stage: "prod", ...place }, caller, "eu-west-1")).toThrow(says);
  });

  it("refuses the root user of any account but the emulator's", async () => {
    const root = "arn:aws:iam::123456789012:root";
    await expect(identifyCaller(sts("123456789012", root), "dev")).rejects.toThrow("root user");
    const emulated = "arn:aws:iam::000000000000:root";
    await expect(identifyCaller(sts("000000000000", emulated), "dev")).resolves.toMatchObject({
      arn: emulated,
    });
  });

  it("says what a user's access key lacks, and nothing of a role's session", () => {
    expect(signInAdvice({ ...caller, arn: "arn:aws:iam::123456789012:user/u-1" })).toContain(
      "MultiFactorAuthPresent",
    );
    expect(signInAdvice(caller)).toBeUndefined();
  });

  it("lists every stage when it does not know one", async () => {
    await expect(readStage("nowhere")).rejects.toThrow(/not described \(there are: dev, prod/);
  });
});

describe("npm run deploy", () => {
  const deploy = (...argv: string[]) =>
    runCommand(process.execPath, ["scripts/deploy.ts", ...argv], {
      env: {
        PATH: process.env["PATH"],
        AWS_ACCESS_KEY_ID: "x",
        AWS_SECRET_ACCESS_KEY: "x",
        AWS_REGION: "eu-west-1",
        AWS_ENDPOINT_URL: "http://127.0.0.1:1",
        AWS_MAX_ATTEMPTS: "1",
      },
    });

  it.each([
    { name: "no stage", argv: [], says: "--stage is missing" },
    { name: "an unknown flag", argv: ["--stage", "dev", "--force"], says: "--force" },
    { name: "context that is none", argv: ["--stage", "dev", "--context", "x"], says: "NAME=VALUE" },
    {
      name: "a front where there is no emulator",
      argv: ["--stage", "dev", "--front", "https://127.0.0.1"],
      says: "--front is for --context fleetkey:emulator=true alone",
    },
  ])("with $name says what is wrong and the usage, exit 2", async ({ argv, says }) => {
    const { code, stderr, stdout } = await deploy(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(says);
    expect(stderr).toContain("npm run deploy -- --stage NAME");
  });

  it.each([
    { name: "an unknown stage", argv: ["--stage", "nowhere"], says: "there are: dev, prod" },
    {
      name: "a fleet of another stage",
      argv: ["--stage", "dev", "--fleet", "pumps"],
      says: "there are: default",
    },
    {
      name: "credentials that nobody takes",
      argv: ["--stage", "dev"],
      says: "sign in to the account of stage dev",
    },
  ])("with $name stops at once and says what to do", async ({ argv, says }) => {
    const { code, stderr, stdout } = await deploy(...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("    at ");
  });
});

describe("the origin of passkeys", () => {
  it.each([
    { name: "the public domain", url: "https://enrol.example.org", origin: "https://enrol.example.org" },
    {
      name: "the gateway's own name, without the path",
      url: "https://a1b2.execute-api.eu-central-1.amazonaws.com/",
      origin: "https://a1b2.execute-api.eu-central-1.amazonaws.com",
    },
  ])("is $name, as the stack of the API says it, and one that a fleet takes", ({ url, origin }) => {
    const said = originOf("dev", { "Fleetkey-dev-Api": { ApiUrl: url } });
    expect(said).toBe(origin);
    expect(() => assertOrigin(said)).not.toThrow();
  });

  it("goes into the bootstrap of each fleet, and nothing does where nobody says one", async () => {
    const directory = join(temporaryDirectory(), "default");
    const events: unknown[] = [];
    const lambda = {
      send: async ({ input }: { readonly input: { readonly Payload: Uint8Array } }) => {
        events.push(JSON.parse(Buffer.from(input.Payload).toString("utf8")));
        const { root } = makeFakeAuthority();
        const rootFingerprint = new X509Certificate(root).fingerprint256.replaceAll(":", "").toLowerCase();
        await rm(directory, { recursive: true, force: true });
        return { Payload: Buffer.from(JSON.stringify({ root, rootFingerprint, trustStore: { key: "k" } })) };
      },
    } as unknown as LambdaClient;
    const request = { lambda, bootstrapFunction: "b", fleet: "default", directory, withOperator: false };
    const places = { origin: "https://enrol.example.org", artifacts: "https://trust.example.org" };
    await bootstrapFleet({ ...request, ...places });
    await bootstrapFleet(request);
    expect(events).toEqual([{ fleet: "default", ...places }, { fleet: "default" }]);
  });

  it("shows the tokens of its loans to the bootstrap, and tells it what the gateway reads, fleet by fleet", async () => {
    const events: object[] = [];
    const lambda = {
      send: async ({ input }: { input: { Payload: Uint8Array } }) => {
        events.push(JSON.parse(Buffer.from(input.Payload).toString("utf8")) as object);
        return { Payload: Buffer.from(JSON.stringify(made)) };
      },
    } as unknown as LambdaClient;
    const authority = makeFakeAuthority();
    const rootFingerprint = new X509Certificate(authority.root).fingerprint256
      .replaceAll(":", "")
      .toLowerCase();
    const made = { fleet: "default", root: authority.root, rootFingerprint, trustStore: { key: "k" } };
    const directory = join(temporaryDirectory(), "default");
    const request = { lambda, bootstrapFunction: "b", fleet: "default", directory, withOperator: false };
    await bootstrapFleet({ ...request, grantTokens: ["token"] });
    await bootstrapFleet({ ...request, grantTokens: [] });
    await confirmGateway({ lambda, bootstrapFunction: "b", fleets: ["default", "ward"], versionId: "v2" });
    expect(events).toEqual([
      { fleet: "default", grantTokens: ["token"] },
      { fleet: "default" },
      { fleet: "default", gateway: { versionId: "v2" } },
      { fleet: "ward", gateway: { versionId: "v2" } },
    ]);
  });
});

describe("an operator of a deployed fleet", () => {
  let directory: string;
  beforeEach(() => {
    directory = join(temporaryDirectory(), "default");
  });

  async function answer(csr: string) {
    const authority = makeFakeAuthority();
    const { serialNumber, certificate } = await authority.issue(csr);
    const rootFingerprint = new X509Certificate(authority.root).fingerprint256
      .replaceAll(":", "")
      .toLowerCase();
    const operator = { serialNumber, certificate, chain: "", notAfter: "2099-01-01T00:00:00Z" };
    return { fleet: "default", root: authority.root, rootFingerprint, trustStore: { key: "k" }, operator };
  }

  it("has a key of its own, its owner's alone, and the same request in every run", async () => {
    const csr = await prepareOperator(directory);
    expect(statSync(operatorFiles(directory).key).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o077).toBe(0);
    expect(await prepareOperator(directory)).toBe(csr);
    const { subject } = await verifyCsr(decodePem(csr, "CERTIFICATE REQUEST")[0] ?? Buffer.alloc(0));
    expect(commonNames(subject)).toEqual([operatorId]);
  });

  it("keeps a key whose request is gone, and says so", async () => {
    await prepareOperator(directory);
    await rm(operatorFiles(directory).request);
    await expect(prepareOperator(directory)).rejects.toThrow("is there without");
  });

  it("gets root and certificate beside the key", async () => {
    const made = await answer(await prepareOperator(directory));
    await installRoot(directory, made);
    await installOperator(directory, made);
    const files = operatorFiles(directory);
    expect(await readFile(files.root, "utf8")).toBe(made.root);
    expect(await readFile(files.certificate, "utf8")).toBe(made.operator.certificate);
  });

  it("takes no root whose fingerprint is another's, and no certificate for another key", async () => {
    const made = await answer(await prepareOperator(directory));
    await expect(installRoot(directory, { ...made, rootFingerprint: "00".repeat(32) })).rejects.toThrow(
      "fingerprint",
    );
    const other = await answer(await prepareOperator(join(directory, "other")));
    await expect(installOperator(directory, other)).rejects.toThrow("another key");
    expect(() => statSync(operatorFiles(directory).certificate)).toThrow();
  });

  it("keeps the root that is there: another is told, and never put in its place", async () => {
    const first = await answer(await prepareOperator(directory));
    await installRoot(directory, first);
    await installRoot(directory, first);
    const second = await answer(await prepareOperator(join(directory, "other")));
    await expect(installRoot(directory, second)).rejects.toThrow(
      `the fleet's root is ${second.rootFingerprint}, and ${operatorFiles(directory).root} holds ${first.rootFingerprint}`,
    );
    expect(await readFile(operatorFiles(directory).root, "utf8")).toBe(first.root);
  });

  it("that has expired stops a deployment before it begins; one in force, or none yet, does not", async () => {
    await checkOperator(directory);
    const made = await answer(await prepareOperator(directory));
    await installOperator(directory, made);
    await checkOperator(directory);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 100 * 365 * 86_400_000 });
    try {
      await expect(checkOperator(directory)).rejects.toThrow(/operator\.key expired .*Z$/);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is told when nobody certified it", async () => {
    const { operator: _none, ...made } = await answer(await prepareOperator(directory));
    await expect(installOperator(directory, made)).rejects.toThrow("certified no operator");
  });
});
