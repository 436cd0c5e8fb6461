/** Room: scripts/rehearsal. A server's certificate: asked for at the API, made by a function, held by ACM with its key. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
} from "@aws-sdk/client-acm";
import type { ServerCertificate } from "../../lambdas/http/server-answers.ts";
import { runCommand } from "../deployment/command.ts";
import { operatorFiles } from "../deployment/operator.ts";
import { as, type Person } from "./person.ts";
import { type RehearsedStage, roleOf } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";
import { documentOf, eventually, runWell } from "./rotation-answers.ts";

const name = "ingest";
const dnsName = "ingest.example.com";

async function show(stage: RehearsedStage, person: Person): Promise<ServerCertificate> {
  const path = `/server-certificates/${name}`;
  return documentOf<ServerCertificate>(await as(stage, person, { method: "GET", path }));
}

/** ARN of what the record says is current. */
async function ask(stage: RehearsedStage, person: Person): Promise<string> {
  const body = { name, dnsNames: [dnsName] };
  documentOf(await as(stage, person, { path: "/server-certificates", body }));
  const isMade = ({ state }: ServerCertificate) => state === "current";
  const { certificateId = "" } = await eventually(stage, "servers", () => show(stage, person), isMade);
  return certificateId;
}

async function expectHeld(stage: RehearsedStage, person: Person, CertificateArn: string): Promise<string> {
  const { acm } = stage.clients;
  const { Certificate } = await acm.send(new DescribeCertificateCommand({ CertificateArn }));
  const serial = Certificate?.Serial?.replaceAll(":", "");
  const { serialNumber } = await show(stage, person);
  expectThat(serial === serialNumber, `ACM has ${serial}, the record ${serialNumber}`);
  const { Tags = [] } = await acm.send(new ListTagsForCertificateCommand({ CertificateArn }));
  const tags = Tags.map(({ Key, Value }) => `${Key}=${Value}`).sort();
  expectThat(tags.includes(`fleetkey:stage=${stage.stage}`), `its tags are ${tags.join(", ")}`);
  const { CertificateSummaryList = [] } = await acm.send(new ListCertificatesCommand({}));
  // The one that listeners use, and the slot from which it can be had again after a renewal.
  expectThat(CertificateSummaryList.length === 2, `ACM holds ${CertificateSummaryList.length} certificates`);
  return tags.join(", ");
}

async function judge(stage: RehearsedStage, CertificateArn: string): Promise<string> {
  const held = await stage.clients.acm.send(new GetCertificateCommand({ CertificateArn }));
  const file = (kind: string): string => join(stage.directory, `${name}-${kind}.pem`);
  await writeFile(file("leaf"), held.Certificate ?? "");
  await writeFile(file("chain"), held.CertificateChain ?? "");
  const { root } = operatorFiles(stage.operatorDirectory);
  const strict = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", dnsName];
  const argv = [...strict, "-CAfile", root, "-untrusted", file("chain"), file("leaf")];
  const { code, stdout, stderr } = await runCommand("openssl", argv);
  expectThat(code === 0, `openssl verify: ${stdout}${stderr}`);
  return stdout.trim().split(": ").at(-1) ?? "";
}

/** Certificates of this account that are not this stage's are not the function's. */
async function refuseOthers(stage: RehearsedStage): Promise<void> {
  const { acm } = stage.clients;
  const material = { Certificate: Buffer.from("rehearsal"), PrivateKey: Buffer.from("rehearsal") };
  const another = [{ Key: "fleetkey:stage", Value: "another" }];
  const { CertificateArn } = await acm.send(new ImportCertificateCommand({ ...material, Tags: another }));
  const clients = await stage.clients.as(roleOf(stage, "servers"));
  const acts = {
    "import without a tag": new ImportCertificateCommand(material),
    "import with another stage's tag": new ImportCertificateCommand({ ...material, Tags: another }),
    "replace another stage's": new ImportCertificateCommand({ ...material, CertificateArn }),
    "delete another stage's": new DeleteCertificateCommand({ CertificateArn }),
  };
  for (const [what, command] of Object.entries(acts)) {
    const found = await clients.acm.send(command as ImportCertificateCommand).then(
      () => "allowed",
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
    expectThat(found.startsWith("AccessDenied"), `${what}: ${found}`);
  }
  clients.close();
  await acm.send(new DeleteCertificateCommand({ CertificateArn }));
}

export async function rehearseServerCertificate(
  stage: RehearsedStage,
  person: Person,
  report: Report,
  { evaluatesIam }: { readonly evaluatesIam: boolean },
): Promise<void> {
  let arn = "";
  await report.check("a server's certificate is asked for, and its function makes it", async () => {
    arn = await ask(stage, person);
  });
  await report.check("ACM holds it, twice, with this stage's tag", () => expectHeld(stage, person, arn));
  await report.check("OpenSSL verifies what ACM gives, by the server's name", () => judge(stage, arn));
  await report.check("the function run again makes no other", () => runWell(stage, "servers"));
  if (evaluatesIam)
    await report.check("its role touches no certificate that lacks this stage's tag", () =>
      refuseOthers(stage),
    );
  await report.check("removed by an operator it is gone from ACM", async () => {
    const path = `/server-certificates/${name}`;
    documentOf(await as(stage, person, { method: "DELETE", path }));
    const count = async () =>
      (await stage.clients.acm.send(new ListCertificatesCommand({}))).CertificateSummaryList?.length;
    await eventually(stage, "servers", count, (left) => left === 0);
  });
}
