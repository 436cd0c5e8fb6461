/**
 * Room: scripts/rehearsal. What each function's role may not do, tried with that role's own credentials. Every
 * refusal stands beside something the same role may do, so that it is no refusal of everything.
 */
import { DescribeKeyCommand, GetPublicKeyCommand } from "@aws-sdk/client-kms";
import { outputOf } from "../deployment/cdk.ts";
import { stackNames } from "../deployment/stage.ts";
import { type Act, type ActName, acts, type Targets } from "./acts.ts";
import type { Clients } from "./aws-clients.ts";
import { functionOf, type RehearsedStage, roleOf } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const writes = [
  "read an item",
  "write an item",
  "write the health item",
  "write the health item and another in one transaction",
  "remember a proof",
  "remember a proof in a transaction",
  "remember a proof and write another item in one transaction",
  "write an item whose name ends as a proof's",
  "keep an answer about a certificate",
  "keep an answer in a transaction",
  "keep an answer and write another item in one transaction",
  "write an item whose name ends as a certificate's",
  "write an intent that stands in an index",
] as const satisfies readonly ActName[];

const issues = ["sign with the issuing key", "read a public key", ...writes] as const;

/** What each role may do; it is refused every other act. */
const allowed = {
  access: writes,
  enrollment: [
    ...issues,
    "delete the hold of a device",
    "delete the hold of a device and tell of it in one transaction",
  ],
  distribution: [
    "read an item",
    "write the health item",
    "remember a proof",
    "remember a proof in a transaction",
    "read a trust bundle",
  ],
  revocation: [...writes, "start the publication"],
  ocsp: [
    "read an item",
    "keep an answer about a certificate",
    "keep an answer in a transaction",
    "sign with the OCSP key",
  ],
  publication: [
    ...issues,
    "sign with the OCSP key",
    "sign with the trust key",
    "write a trust bundle",
    "read a trust bundle",
    "remove a list",
    "publish a notice",
  ],
  maintenance: [...writes, "start the publication", "publish a notice"],
  provisioning: writes,
  reconciliation: [...issues, "publish a notice"],
  // It writes, and starts others than the publication.
  rotation: writes,
  rollover: [
    ...writes,
    "start the publication",
    "publish a notice",
    "lend a root to the ceremony, and take it back",
    "destroy a key in 30 days, and think better of it",
    "look how a key that encrypts rotates",
  ],
  ceremony: [
    ...issues,
    "sign with the OCSP key",
    "sign with the trust key",
    "write a trust bundle",
    "read a trust bundle",
    "write the trust store",
    "write a record",
    "read the trust store",
    "publish a notice",
    "start the publication",
  ],
  servers: [...issues, "publish a notice", "start the publication"],
  protection: [
    ...writes,
    "publish a notice",
    "read a subject key",
    "write a subject key",
    "wrap a key of the fleet's data",
  ],
  // It alone destroys what it keeps.
  safekeeping: [
    ...writes,
    "publish a notice",
    "read a subject key",
    "write a subject key",
    "destroy a subject key",
  ],
  // With a root it signs while that is lent: see loans.ts.
  bootstrap: [
    ...issues,
    "sign with the OCSP key",
    "sign with the trust key",
    "write a trust bundle",
    "read a trust bundle",
    "write the trust store",
    "write a record",
    "read the trust store",
    "publish a notice",
  ],
} as const satisfies Record<string, readonly ActName[]>;

const refusals = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AuthorizationError",
  "AuthorizationErrorException",
]);

/** `allowed`, `refused`, or what else went wrong. */
async function outcome(act: Act, clients: Clients, targets: Targets): Promise<string> {
  try {
    await act(clients, targets);
    return "allowed";
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    return refusals.has(name) ? "refused" : `${name}: ${error instanceof Error ? error.message : ""}`;
  }
}

async function keyArn({ clients, stage, fleet }: RehearsedStage, authority: string): Promise<string> {
  const KeyId = `alias/fleetkey/${stage}/${fleet.fleet}-${authority}`;
  const { KeyId: arn = "" } = await clients.kms.send(new GetPublicKeyCommand({ KeyId }));
  return arn;
}

async function dataKeyArn({ clients, stage }: RehearsedStage, name: string): Promise<string> {
  const { KeyMetadata } = await clients.kms.send(
    new DescribeKeyCommand({ KeyId: `alias/fleetkey/${stage}/${name}` }),
  );
  return KeyMetadata?.Arn ?? "";
}

async function aim(stage: RehearsedStage): Promise<Targets> {
  const names = stackNames(stage.stage);
  const state = (name: string): string => outputOf(stage.outputs, names.state, name);
  const roleArn = (duty: string): string => `arn:aws:iam::${stage.account}:role/${roleOf(stage, duty)}`;
  return {
    table: state("ItemTable"),
    subjectKeys: state("SubjectKeysTable"),
    artifacts: state("ArtifactsBucket"),
    trustStores: state("TrustStoresBucket"),
    records: state("RecordsBucket"),
    topic: state("NoticeTopic"),
    bootstrapFunction: outputOf(stage.outputs, names.api, "BootstrapFunction"),
    publicationFunction: await functionOf(stage, "publication"),
    root: await keyArn(stage, "root-1"),
    issuing: await keyArn(stage, "issuing-1"),
    ocsp: await keyArn(stage, "ocsp-1"),
    trust: await keyArn(stage, "trust-1"),
    data: await dataKeyArn(stage, "data"),
    protection: await dataKeyArn(stage, `${stage.fleet.fleet}-protection`),
    otherRole: roleArn("bootstrap"),
    roleArn,
    fleet: stage.fleet.fleet,
  };
}

export async function rehearseLeastPrivilege(stage: RehearsedStage, report: Report): Promise<void> {
  const targets = await aim(stage);
  const names = Object.keys(acts) as ActName[];
  for (const [duty, may] of Object.entries(allowed) as [string, readonly ActName[]][]) {
    const clients = await stage.clients.as(roleOf(stage, duty));
    for (const kind of ["allowed", "refused"] as const) {
      const tried = names.filter((name) => may.includes(name) === (kind === "allowed"));
      const what = kind === "allowed" ? `to ${tried.join(", ")}` : `the other ${tried.length} acts`;
      await report.check(`${duty} is ${kind} ${what}`, async () => {
        const wrong: string[] = [];
        for (const name of tried) {
          const found = await outcome(acts[name], clients, targets);
          if (found !== kind) wrong.push(`${name}: ${found}`);
        }
        expectThat(wrong.length === 0, wrong.join("\n"));
      });
    }
    clients.close();
  }
}
