/**
 * Room: test. What backends and operators do with data at rest over HTTPS: keys, messages, a reading in an emergency, a
 * destruction. All that is secret in it is remembered with the service's other secrets.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { canaries } from "../../scripts/secrets/canaries.ts";
import type { Flows, Person } from "../house/canary/flows.ts";
import type { Service } from "../house/canary/service.ts";
import type { Answer } from "../support/api.ts";

const base = "/v1/fleets/default";

/** Of the fleet's entry for the backend. */
export const dataOperations = ["createDataKey", "encryptData", "decryptData", "reencryptData"] as const;

/** What a nurse might write, with a person in it; `canaries` are searched for besides. */
export const record = `Ward 7: ${canaries.join(", ")} had a bolus of 4.2 units at noon`;
export const reason = `${canaries[0]} called the hotline, her pump shows another dose than her record`;

export interface DataFlowsOptions {
  readonly service: Service;
  readonly flows: Flows;
  readonly person: Person;
  /** A fresh token of the backend. */
  readonly token: () => Promise<string>;
}

const text = (answer: Answer, name: string): string => {
  const value = answer.json()[name];
  if (typeof value !== "string") expect.fail(`answered ${answer.status} ${answer.body}`);
  return value;
};

export class DataFlows {
  readonly #service: Service;
  readonly #flows: Flows;
  readonly #person: Person;
  readonly #token: () => Promise<string>;

  constructor({ service, flows, person, token }: DataFlowsOptions) {
    this.#service = service;
    this.#flows = flows;
    this.#person = person;
    this.#token = token;
  }

  async #post(path: string, json: object, status: number): Promise<Answer> {
    const answer = await this.#service.call(`${base}/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${await this.#token()}`, "content-type": "application/json" },
      body: JSON.stringify(json),
    });
    expect(answer.status, answer.body).toBe(status);
    return answer;
  }

  #remember(answer: Answer, name: string): string {
    const value = text(answer, name);
    this.#service.secrets.add(value);
    return value;
  }

  /** Data keys, opened again; a key pair whose private key is opened, too. */
  async keys(subject: string): Promise<void> {
    const context = { purpose: "observations", subject };
    const made = await this.#post("data-keys", { context }, 201);
    const plaintext = this.#remember(made, "plaintext");
    const { wrapped } = made.json();
    const opened = await this.#post("data-keys/unwrap", { context, wrapped }, 200);
    expect(text(opened, "plaintext")).toBe(plaintext);
    const other = { ...context, subject: `${subject}-other` };
    await this.#post("data-keys/unwrap", { context: other, wrapped }, 422);
    const pair = await this.#post("data-key-pairs", { context, keyAlgorithm: "P-256" }, 201);
    const message = text(pair, "wrappedPrivateKey");
    this.#remember(await this.#post("decrypt", { context, message }, 200), "plaintext");
  }

  /** @returns The message, in base64. */
  async message(subject: string): Promise<string> {
    const context = { purpose: "observations", subject };
    const plaintext = Buffer.from(record).toString("base64");
    this.#service.secrets.add(record);
    const encrypted = await this.#post("encrypt", { context, plaintext }, 200);
    const message = text(encrypted, "message");
    const decrypted = await this.#post("decrypt", { context, message }, 200);
    expect(text(decrypted, "plaintext")).toBe(plaintext);
    const to = { ...context, record: "r-1" };
    await this.#post("reencrypt", { context, message, to }, 200);
    const changed = Buffer.from(message, "base64");
    changed.writeUInt8(changed.readUInt8(changed.byteLength - 40) ^ 1, changed.byteLength - 40);
    await this.#post("decrypt", { context, message: changed.toString("base64") }, 422);
    return message;
  }

  /** Asks with a reason that names a person, is approved, and reads. */
  async reading(subject: string, message: string): Promise<void> {
    const context = { purpose: "observations", subject };
    this.#service.secrets.add(reason);
    const path = `${base}/operator-decryptions`;
    const asked = await this.#flows.asPerson(this.#person, path, {
      method: "POST",
      json: { context, message, reason },
    });
    expect(asked.status, asked.body).toBe(201);
    const decryptionId = text(asked, "decryptionId");
    const read = await this.#flows.critical(
      this.#person,
      "readAsOperator",
      `${path}/${decryptionId}/reading`,
      { method: "POST" },
      { decryptionId },
    );
    expect(read.status, read.body).toBe(200);
    expect(Buffer.from(text(read, "plaintext"), "base64").toString()).toBe(record);
    const shown = await this.#flows.asPerson(this.#person, `${path}/${decryptionId}`, {});
    expect(text(shown, "reason")).toBe(reason);
  }

  /** The subject's key, wrapped. */
  async subjectKey(subject: string): Promise<Buffer> {
    const answer = await this.#post("subject-keys", { subject }, 200);
    return Buffer.from(text(answer, "wrapped"), "base64");
  }

  /** Ends when the subject's keys are destroyed. */
  async shred(subject: string): Promise<void> {
    const json = { scope: "subject", subject, reason: "erasure-request" };
    const decided = await this.#flows.critical(this.#person, "shredData", `${base}/shreds`, {
      method: "POST",
      json,
    });
    expect([200, 201, 202], decided.body).toContain(decided.status);
    const path = `${base}/shreds/${text(decided, "shredId")}`;
    for (let attempt = 0; attempt < 300; attempt += 1) {
      const { state } = (await this.#flows.asPerson(this.#person, path, {})).json();
      if (state === "done") return;
      await sleep(100);
    }
    expect.fail("the destruction did not end");
  }
}
