import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Stack, Validations } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { describe, expect, it } from "vitest";
import cdkJson from "../../cdk.json" with { type: "json" };
import { defaultReservedConcurrency } from "../../infra/configuration/concurrency.ts";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";
import { routes } from "../../lambdas/routes.ts";
import { forwardedCertificateHeader } from "../../scripts/rehearsal/forwarded-certificate.ts";
import { stageApp, synthesise } from "./synthesised-stage.ts";

interface Violation {
  readonly ruleName: string;
  readonly violatingConstructs: readonly { readonly constructPath: string }[];
  readonly reason?: string;
}

interface PluginReport {
  readonly violations: readonly Violation[];
  readonly suppressedViolations?: readonly Violation[];
}

/** What the pack found, from the report that every synthesis leaves; `acknowledged` is what stands with a reason. */
function findings(outdir: string): { readonly open: Violation[]; readonly acknowledged: Violation[] } {
  const text = readFileSync(join(outdir, "validation-report.json"), "utf8");
  const reports = (JSON.parse(text) as { pluginReports: PluginReport[] }).pluginReports;
  return {
    open: reports.flatMap(({ violations }) => violations),
    acknowledged: reports.flatMap(({ suppressedViolations = [] }) => suppressedViolations),
  };
}

const rows = (violations: readonly Violation[]): string[] =>
  violations
    .flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(
        ({ constructPath }) =>
          `${ruleName.replace("HIPAA.Security-", "")} ${constructPath.replace(/^Fleetkey-test-|\/Resource$/g, "")}`,
      ),
    )
    .toSorted();

const functions = Object.keys(defaultReservedConcurrency);
/** Nobody waits for their answers, so what failed is kept. */
const unattended = [
  ...["reconciliation", "publication", "maintenance", "rollover", "ceremony", "servers", "safekeeping"],
];
const buckets = ["AccessLogs", "Artifacts", "Records", "TrustStores"];

/** Every finding that stands in a stage with defaults: one resource each. */
const standing = [
  ...functions.map((id) => `LambdaInsideVPC Api/Service/${id}/Function`),
  ...functions.filter((id) => !unattended.includes(id)).map((id) => `LambdaDLQ Api/Service/${id}/Function`),
  ...buckets.map((bucket) => `S3BucketReplicationEnabled State/State/Buckets/${bucket}`),
  // What is shredded must be in no copy that lives on.
  "DynamoDBInBackupPlan State/State/SubjectKeys/Keys",
  "S3DefaultEncryptionKMS State/State/Buckets/AccessLogs",
  "S3DefaultEncryptionKMS State/State/Buckets/TrustStores",
];

describe("HIPAA rule pack", { timeout: 120_000 }, () => {
  it("finds nothing that does not stand acknowledged, on one resource, with a reason", () => {
    const { open, acknowledged } = findings(synthesise().outdir);
    expect(rows(open)).toEqual([]);
    expect(rows(acknowledged)).toEqual(standing.toSorted());
    for (const { reason, ruleName } of acknowledged) expect(reason?.length, ruleName).toBeGreaterThan(40);
  });

  it("what a stage or the emulator leaves out stands acknowledged, and nothing else does", () => {
    const none = functions.map((id) => `LambdaConcurrency Api/Service/${id}/Function`);
    const { open, acknowledged } = findings(
      synthesise({ account: "000000000000", reservedConcurrency: "none" }, { "fleetkey:emulator": true })
        .outdir,
    );
    expect(rows(open)).toEqual([]);
    expect(rows(acknowledged)).toEqual(
      [...standing, ...none, "DynamoDBInBackupPlan State/State/Table/Items"].toSorted(),
    );
  });

  it("protection.keyRecoveryDays 0: that shredded keys can be restored for no second stands acknowledged", () => {
    const { open, acknowledged } = findings(synthesise({ protection: { keyRecoveryDays: 0 } }).outdir);
    expect(rows(open)).toEqual([]);
    expect(rows(acknowledged)).toEqual(
      [...standing, "DynamoDBPITREnabled State/State/SubjectKeys/Keys"].toSorted(),
    );
  });

  it("an unacknowledged finding fails the synthesis", () => {
    const app = stageApp();
    new Bucket(new Stack(app, "Careless"), "Bucket");
    expect(() => app.synth()).toThrow();
    expect(rows(findings(app.outdir).open)).toContain("S3BucketLoggingEnabled Careless/Bucket");
  });

  it("an acknowledgement covers its own resource only", () => {
    const app = stageApp();
    const stack = new Stack(app, "Careless");
    const bucket = new Bucket(stack, "Bucket");
    new Bucket(stack, "Other");
    Validations.of(bucket).acknowledge({
      id: "HIPAA.Security::HIPAA.Security-S3BucketLoggingEnabled",
      reason: "the test acknowledges one finding of one bucket",
    });
    expect(() => app.synth()).toThrow();
    const logging = rows(findings(app.outdir).open).filter((row) => row.startsWith("S3BucketLoggingEnabled"));
    expect(logging).toEqual(["S3BucketLoggingEnabled Careless/Other"]);
  });
});

describe("cdk.json", () => {
  it("sets every feature flag as the library recommends", () => {
    const recommended = createRequire(import.meta.url)(
      "aws-cdk-lib/recommended-feature-flags.json",
    ) as object;
    expect(Object.keys(recommended).length).toBeGreaterThan(50);
    expect(cdkJson.context).toMatchObject(recommended);
  });

  it("describes stages that can be built", () => {
    const stages = cdkJson.context["fleetkey:stages"];
    for (const stage of Object.keys(stages))
      expect(() => readStageConfiguration(stage, stages)).not.toThrow();
  });
});

describe("bundles", () => {
  /** All that is deployed for a function: its first module, and the chunks beside it. */
  const bundle = (outdir: string, id: string): string => {
    const directory = join(outdir, "bundles", id);
    const files = readdirSync(directory);
    expect(files).toContain("index.mjs");
    return files.map((file) => readFileSync(join(directory, file), "utf8")).join("\n");
  };
  const whole = { "aws:cdk:bundling-stacks": ["**"] };

  it("of a production stage know nothing of the header that the rehearsal's front writes", {
    timeout: 120_000,
  }, () => {
    const { outdir } = synthesise({}, whole);
    for (const id of functions) {
      const text = bundle(outdir, id);
      expect(text, id).not.toContain(forwardedCertificateHeader);
      expect(text, id).not.toMatch(/x-rehearsal/i);
    }
  });

  it("of the emulator's stage read it where requests come in, and nowhere else: the test above can fail", {
    timeout: 120_000,
  }, () => {
    const { outdir } = synthesise({ account: "000000000000" }, { ...whole, "fleetkey:emulator": true });
    const aware = functions.filter((id) => bundle(outdir, id).includes(forwardedCertificateHeader));
    const serving = new Set(routes.map((route) => route.function));
    expect(aware.toSorted()).toEqual([...serving].toSorted());
  });

  it("hold nothing of an earlier synthesis into the same directory", () => {
    const outdir = mkdtempSync(join(tmpdir(), "fleetkey-twice-"));
    const stale = join(outdir, "bundles", "enrollment", "chunk-STALE.mjs");
    mkdirSync(dirname(stale), { recursive: true });
    writeFileSync(stale, "");
    try {
      stageApp({}, {}, outdir);
      expect(existsSync(stale)).toBe(false);
    } finally {
      rmSync(outdir, { recursive: true });
    }
  });

  it("with the flag for any other account nothing is built", () => {
    for (const members of [{}, { account: "123456789012" }])
      expect(() => stageApp(members, { "fleetkey:emulator": true })).toThrow(
        /is for account 000000000000 alone/,
      );
  });
});
