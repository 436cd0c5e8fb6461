/**
 * Room: scripts/rehearsal. Data at rest on the deployed stage: a backend with a certificate encrypts and reads, keys move
 * under their wrapping key anew, one subject is shredded and another is not.
 */
import { randomBytes } from "node:crypto";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { ClientCredential } from "../../cli/https-client.ts";
import type { IssuedCertificate } from "../../lambdas/http/answer-schemas.ts";
import type { Reencryption, Shred } from "../../lambdas/http/protection-answers.ts";
import { deviceCsr, deviceKey } from "../../test/support/device.ts";
import { outputOf } from "../deployment/cdk.ts";
import { stackNames } from "../deployment/stage.ts";
import { as, type Person, perform, type Reply, send } from "./person.ts";
import type { RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";
import { documentOf, eventually } from "./rotation-answers.ts";

const backend = "records";
const operations = ["createDataKey", "encryptData", "decryptData", "reencryptData"] as const;

/** The fleet's side: a backend by its certificate. */
export const backendEntry = {
  kind: "certificate",
  id: backend,
  backend,
  operations,
  profiles: [],
  purposes: ["observations"],
};

const contextOf = (subject: string) => ({ purpose: "observations", subject });
const patients = { kept: "s-kept", shredded: "s-shredded" } as const;

async function certified(stage: RehearsedStage, owner: Person): Promise<ClientCredential> {
  const key = deviceKey();
  const body = { csr: deviceCsr(key).toString("base64") };
  const reply = await perform(stage, owner, {
    operation: "createBackendCertificate",
    parameters: { backendId: backend },
    path: `/backends/${backend}/certificates`,
    body,
  });
  const { certificate, chain } = documentOf<IssuedCertificate>(reply);
  const pem = key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate: certificate + chain, privateKey: pem };
}

function expectCode({ status, code }: Reply, expected: string): string {
  expectThat(code === expected, `answered ${status} ${code ?? ""}, not ${expected}`);
  return `${status} ${expected}`;
}

class Backend {
  readonly stage: RehearsedStage;
  readonly credential: ClientCredential;

  constructor(stage: RehearsedStage, credential: ClientCredential) {
    this.stage = stage;
    this.credential = credential;
  }

  ask(path: string, body: object): Promise<Reply> {
    return send(this.stage, { path, body }, this.credential);
  }

  async encrypt(subject: string, plaintext: string): Promise<string> {
    const body = { context: contextOf(subject), plaintext: Buffer.from(plaintext).toString("base64") };
    return documentOf<{ readonly message: string }>(await this.ask("/encrypt", body)).message;
  }

  decrypt(subject: string, message: string): Promise<Reply> {
    return this.ask("/decrypt", { context: contextOf(subject), message });
  }

  async expectReads(subject: string, message: string, plaintext: string): Promise<void> {
    const { plaintext: read } = documentOf<{ readonly plaintext: string }>(
      await this.decrypt(subject, message),
    );
    expectThat(Buffer.from(read, "base64").toString() === plaintext, "it reads something else");
  }
}

async function protects(own: Backend, plaintext: string, report: Report): Promise<Record<string, string>> {
  const messages: Record<string, string> = {};
  await report.check("it encrypts for two subjects, and reads both", async () => {
    for (const subject of Object.values(patients)) {
      const message = await own.encrypt(subject, plaintext);
      messages[subject] = message;
      await own.expectReads(subject, message, plaintext);
    }
  });
  await report.check("another subject's context opens nothing", async () =>
    expectCode(await own.decrypt(patients.shredded, messages[patients.kept] ?? ""), "data_unreadable"),
  );
  await report.check("a data key comes back as it went out, wrapped", async () => {
    const context = contextOf(patients.kept);
    const made = documentOf<{ readonly plaintext: string; readonly wrapped: object }>(
      await own.ask("/data-keys", { context }),
    );
    own.stage.secrets.push(made.plaintext);
    const opened = await own.ask("/data-keys/unwrap", { context, wrapped: made.wrapped });
    expectThat(documentOf<{ readonly plaintext: string }>(opened).plaintext === made.plaintext, "it differs");
  });
  return messages;
}

async function moves(stage: RehearsedStage, owner: Person): Promise<string> {
  const { reencryptionId } = documentOf<Reencryption>(await as(stage, owner, { path: "/reencryptions" }));
  const path = `/reencryptions/${reencryptionId}`;
  const look = async () => documentOf<Reencryption>(await as(stage, owner, { method: "GET", path }));
  const { state, moved, verified, unreadable } = await eventually(
    stage,
    "safekeeping",
    look,
    (seen) => seen.state === "done",
  );
  expectThat(verified >= 2 && unreadable === 0, `${verified} verified, ${unreadable} unreadable`);
  return `${state}, ${moved} moved, ${verified} verified`;
}

async function shreds(stage: RehearsedStage, owner: Person): Promise<string> {
  const body = { scope: "subject", subject: patients.shredded, reason: "erasure-request" };
  const { shredId } = documentOf<Shred>(
    await perform(stage, owner, { operation: "shredData", path: "/shreds", body }),
  );
  const path = `/shreds/${shredId}`;
  const look = async () => documentOf<Shred>(await as(stage, owner, { method: "GET", path }));
  const done = await eventually(stage, "safekeeping", look, ({ state }) => state === "done");
  expectThat(done.certificateDigest !== undefined, "it has no certificate of destruction");
  return `${done.destroyed} keys, certificate ${done.certificateDigest?.slice(0, 16)}`;
}

/** The table of subject keys, read whole by an administrator. */
async function keysIn(stage: RehearsedStage): Promise<string> {
  const TableName = outputOf(stage.outputs, stackNames(stage.stage).state, "SubjectKeysTable");
  const { Items = [] } = await stage.clients.dynamodb.send(new ScanCommand({ TableName }));
  return JSON.stringify(Items);
}

/** After `rehearseOperatorLife`, which has the fleet trust the backend. */
export async function rehearseDataAtRest(
  stage: RehearsedStage,
  owner: Person,
  report: Report,
): Promise<void> {
  const credential = await report.need("an owner certifies a backend", () => certified(stage, owner));
  const own = new Backend(stage, credential);
  const plaintext = `observation ${randomBytes(24).toString("hex")}`;
  stage.secrets.push(plaintext, Buffer.from(plaintext).toString("base64"));
  const messages = await protects(own, plaintext, report);
  await report.check("all keys move under the wrapping key anew, and each is opened again", () =>
    moves(stage, owner),
  );
  await report.check("what was encrypted before is read as before", () =>
    own.expectReads(patients.kept, messages[patients.kept] ?? "", plaintext),
  );
  await report.check("a subject is shredded, with a certificate of destruction", () => shreds(stage, owner));
  await report.check("its data is unreadable, and nothing new is made for it", async () => {
    expectCode(await own.decrypt(patients.shredded, messages[patients.shredded] ?? ""), "data_unreadable");
    const body = { context: contextOf(patients.shredded) };
    return expectCode(await own.ask("/data-keys", body), "subject_shredded");
  });
  await report.check("the other subject's is untouched", () =>
    own.expectReads(patients.kept, messages[patients.kept] ?? "", plaintext),
  );
  await report.check("the table holds a tombstone where its keys were", async () => {
    const keys = await keysIn(stage);
    expectThat(keys.includes(`${patients.shredded}#SHREDDED`), "there is no tombstone");
    expectThat(!keys.includes(`${patients.shredded}#KEY#`), "there is a key");
    expectThat(keys.includes(`${patients.kept}#KEY#`), "the other's key is gone");
  });
}
