/**
 * Room: test. What devices, operators, pipelines and strangers do with the service, done right and done wrong, with
 * personal data wherever they may write.
 */
import { expect } from "vitest";
import { canaries } from "../../../scripts/secrets/canaries.ts";
import type { Answer, Call } from "../../support/api.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../../support/device.ts";
import { createProofKey, type ProofKey } from "../../support/dpop.ts";
import type { OidcIssuer } from "../../support/oidc-issuer.ts";
import { type SoftwareAuthenticator, softwareAuthenticator } from "../../support/software-authenticator.ts";
import { pemLines, type Service } from "./service.ts";

const base = "/v1/fleets/default";
const [person = "", email = "", ssn = "", birthDate = "", policy = ""] = canaries;

/** Headers of every call: nothing in them is asked for, and nothing of them may be written anywhere. */
const planted = {
  "user-agent": person,
  referer: `https://example.org/?patient=${email}`,
  cookie: `name=${encodeURIComponent(person)}; dob=${birthDate}`,
  "x-patient": `${ssn} ${policy}`,
  from: email,
};

type Sent = Call & { readonly json?: unknown };

export class Flows {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  async #send(path: string, { json, headers = {}, ...call }: Sent & { tls?: object }): Promise<Answer> {
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const content = json === undefined ? {} : { "content-type": "application/json" };
    return this.#service.call(path, { ...call, ...body, headers: { ...planted, ...content, ...headers } });
  }

  #asOperator(path: string, call: Sent): Promise<Answer> {
    return this.#send(path, { ...call, tls: this.#service.operator });
  }

  #secret(answer: Answer, name: string): string {
    const value = answer.json()[name];
    if (typeof value !== "string") expect.fail(`answered ${answer.status} ${answer.body}`);
    this.#service.secrets.add(value);
    return value;
  }

  #newKey(): DeviceKey & { readonly pem: string } {
    const key = deviceKey();
    const pem = key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    for (const line of pemLines(pem)) this.#service.secrets.add(line);
    return { ...key, pem };
  }

  /** Enrols, renews, and asks how it stands; then does each wrong. */
  async device(deviceId: string): Promise<void> {
    const token = this.#secret(
      await this.#asOperator(`${base}/enrollment-tokens`, { method: "POST", json: { deviceId } }),
      "token",
    );
    const key = this.#newKey();
    const enrol = (csr: Buffer, path = `${base}/certificates`) =>
      this.#send(path, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        json: { csr: csr.toString("base64") },
      });
    // Names in the request are not the device's: refused, and not repeated to anybody.
    expect((await enrol(deviceCsr(key, { commonName: person }))).status).toBe(422);
    const issued = await enrol(deviceCsr(key));
    expect(issued.status, issued.body).toBe(201);
    expect((await enrol(deviceCsr(this.#newKey()))).status).toBe(409);
    const tls = { cert: String(issued.json()["certificate"]), key: key.pem };
    expect((await this.#send(`${base}/device`, { tls })).status).toBe(200);
    const csr = deviceCsr(this.#newKey()).toString("base64");
    const renewal = { method: "POST", tls } as const;
    expect((await this.#send(`${base}/certificates/renew`, { ...renewal, json: { csr } })).status).toBe(201);
    expect(
      (await this.#send(`${base}/certificates/renew`, { ...renewal, json: { csr: person } })).status,
    ).toBe(400);
    expect((await this.#send(`${base}/certificates`, { tls })).status).toBe(403);
  }

  /** A line of a factory, with a claim of its own. */
  async claim(claimId: string, deviceId: string): Promise<void> {
    const devices = [{ deviceId }, { deviceId: ssn }, { deviceId: email }];
    const upload = await this.#asOperator(`${base}/devices`, { method: "POST", json: { devices } });
    expect(upload.status, upload.body).toBe(422);
    const registered = { devices: [{ deviceId }] };
    expect((await this.#asOperator(`${base}/devices`, { method: "POST", json: registered })).status).toBe(
      200,
    );
    const key = this.#newKey();
    const claim = { claimId, quota: 1, csr: deviceCsr(key).toString("base64") };
    const made = await this.#asOperator(`${base}/claims`, { method: "POST", json: claim });
    expect(made.status, made.body).toBe(201);
    const tls = { cert: String(made.json()["certificate"]), key: key.pem };
    const enrol = async (id: string) =>
      (
        await this.#send(`${base}/certificates`, {
          method: "POST",
          tls,
          json: { deviceId: id, csr: deviceCsr(this.#newKey()).toString("base64") },
        })
      ).status;
    expect(await enrol(deviceId)).toBe(201);
    expect(await enrol(birthDate)).toBeGreaterThanOrEqual(400);
  }

  /** The bootstrap's operator registers a passkey and signs in. */
  async signIn(): Promise<Person> {
    const { origin } = this.#service;
    const invited = await this.#asOperator(`${base}/passkey-invitations`, { method: "POST", json: {} });
    const invitation = this.#secret(invited, "invitation");
    const operatorId = String(invited.json()["operatorId"]);
    const authenticator = softwareAuthenticator({ origin, relyingPartyId: "localhost" });
    const register = async (credential: (challenge: string) => unknown) => {
      const challenge = await this.#challenge();
      return this.#send(`${base}/passkeys`, {
        method: "POST",
        headers: { authorization: `Bearer ${invitation}` },
        json: { challenge, credential: credential(challenge) },
      });
    };
    const named = { id: person, response: { clientDataJSON: email } };
    expect((await register(() => named)).status).toBeGreaterThanOrEqual(400);
    expect(
      (await register((challenge) => authenticator.register(challenge, { userHandle: operatorId }))).status,
    ).toBe(201);
    const key = await createProofKey();
    const challenge = await this.#challenge();
    const credential = this.#remembered(authenticator.assert(challenge, { userHandle: operatorId }));
    const session = await this.#send(`${base}/sessions`, {
      method: "POST",
      headers: { dpop: await this.#proof(key, "POST", `${base}/sessions`) },
      json: { challenge, credential },
    });
    expect(session.status, session.body).toBe(201);
    return { authenticator, key, token: this.#secret(session, "token") };
  }

  async #challenge(): Promise<string> {
    return String((await this.#send(`${base}/challenges`, { method: "POST", json: {} })).json()["challenge"]);
  }

  #proof(key: ProofKey, method: string, path: string, accessToken?: string): Promise<string> {
    const url = `${this.#service.origin}${path.split("?", 1)[0]}`;
    return key.proof({ method, url, ...(accessToken === undefined ? {} : { accessToken }) });
  }

  #remembered<Credential extends { readonly response: { readonly signature?: string } }>(
    credential: Credential,
  ): Credential {
    const { signature } = credential.response;
    if (signature !== undefined) this.#service.secrets.add(signature);
    return credential;
  }

  async asPerson(person: Person, path: string, call: Sent): Promise<Answer> {
    const { method = "GET" } = call;
    const dpop = await this.#proof(person.key, method, path, person.token);
    const headers = { ...call.headers, authorization: `DPoP ${person.token}`, dpop };
    return this.#send(path, { ...call, headers });
  }

  /** Asks for an approval, gives it, and executes; before that it is tried without, and with names in the wrong places. */
  async critical(
    person: Person,
    operation: string,
    path: string,
    call: Sent,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    expect((await this.asPerson(person, path, call)).status).toBe(403);
    const named = { ...call, headers: { "fleetkey-approval": policy } };
    expect((await this.asPerson(person, path, named)).status).toBe(403);
    const asked = await this.asPerson(person, `${base}/approvals`, {
      method: "POST",
      json: { operation, body: call.json ?? {}, ...(parameters === undefined ? {} : { parameters }) },
    });
    expect(asked.status, asked.body).toBe(201);
    const { approvalId, challenge } = asked.json() as { approvalId: string; challenge: string };
    const credential = this.#remembered(person.authenticator.assert(challenge));
    this.#service.kept.add(credential.response.signature ?? "");
    const assertion = { method: "POST", json: { credential } } as const;
    const approved = await this.asPerson(person, `${base}/approvals/${approvalId}/assertions`, assertion);
    expect(approved.status, approved.body).toBe(200);
    return this.asPerson(person, path, { ...call, headers: { "fleetkey-approval": approvalId } });
  }

  /** A job whose tokens say more of a person than anybody asked. */
  async pipeline(issuer: OidcIssuer, audience: string): Promise<void> {
    const personal = { name: person, email, birthdate: birthDate, preferred_username: ssn };
    const claims = { ...personal, sub: "repo:acme/firmware:main", aud: audience };
    const tokens = [
      await issuer.sign(claims),
      await issuer.sign({ ...claims, sub: email }),
      await issuer.sign({ ...claims, iss: `https://${encodeURIComponent(person)}.example` }),
      await issuer.sign(claims, { key: "other" }),
      await issuer.sign({ ...claims, exp: 1_000 }),
      await issuer.sign(claims, { key: "none" }),
    ];
    const statuses: number[] = [];
    for (const token of tokens) {
      const answer = await this.#send(`${base}/certificates`, {
        headers: { authorization: `Bearer ${token}` },
      });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([200, 401, 401, 401, 401, 401]);
  }

  /** What strangers send: names in paths, queries, bodies and credentials, and what is no HTTP. */
  async strangers(): Promise<void> {
    const name = encodeURIComponent(person);
    for (const path of [
      `/${name}`,
      `/v1/fleets/${name}`,
      `${base}/devices/${encodeURIComponent(email)}`,
      `${base}/certificates/${ssn}`,
      `${base}/certificates?deviceId=${encodeURIComponent(email)}&dob=${birthDate}&name=${name}`,
      `${base}/claims/${encodeURIComponent(policy)}`,
      `${base}/trust.pem?patient=${ssn}`,
    ]) {
      await this.#send(path, {});
      await this.#asOperator(path, {});
      await this.#asOperator(path, { method: "POST", body: `{"name":"${person}",` });
      await this.#asOperator(path, {
        method: "POST",
        json: { name: person, email, deviceId: ssn, dob: birthDate },
      });
    }
    for (const authorization of [
      `Bearer ${person}`,
      `Basic ${Buffer.from(email).toString("base64")}`,
      `DPoP ${ssn}`,
    ])
      expect((await this.#send(`${base}/certificates`, { headers: { authorization } })).status).toBe(401);
  }
}

export interface Person {
  readonly authenticator: SoftwareAuthenticator;
  readonly key: ProofKey;
  readonly token: string;
}
