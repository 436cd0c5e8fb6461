import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import {
  configurationItem,
  defaultConfiguration,
  type OperatorIssuer,
} from "../../core/records/fleet-configuration.ts";
import type { Role } from "../../core/standard/access.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { createProofKey } from "../support/dpop.ts";
import { testFleet } from "../support/fleet-app.ts";
import { type OidcIssuer, type SigningOptions, startOidcIssuer } from "../support/oidc-issuer.ts";
import { softwareAuthenticator } from "../support/software-authenticator.ts";
import {
  approve,
  as,
  auditOf,
  base,
  challengeOf,
  changeCall,
  execute,
  firstOwner,
  host,
  invitationCall,
  openTeam,
  origin,
  type Person,
  perform,
  type Reply,
  request,
  signInWith,
  type Team,
} from "./team.ts";

const audience = "fleetkey-client";
let issuer: OidcIssuer;
let team: Team;
let owner: Person;

beforeAll(async () => {
  issuer = await startOidcIssuer();
  team = await openTeam(identityVerifier({ ca: issuer.ca }));
  const trusted: OperatorIssuer = {
    issuer: issuer.issuer,
    audience,
    mfa: { claim: "amr", value: "mfa" },
  };
  const byClass: OperatorIssuer = {
    issuer: issuer.issuer,
    audience: "by-class",
    mfa: { claim: "acr", value: "urn:example:loa3" },
  };
  const put = configurationItem(testFleet, { ...defaultConfiguration, operatorIssuers: [trusted, byClass] });
  await team.app.items.transact([{ put, when: "absent" }]);
  owner = await firstOwner(team);
});
afterAll(async () => {
  await issuer.close();
  await team.close();
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

interface Employee {
  readonly operatorId: string;
  readonly subject: string;
}

async function invite(
  roles: readonly Role[],
  people: readonly [Person, ...Person[]] = [owner],
): Promise<Employee> {
  const operatorId = `operator-${randomUUID()}`;
  const subject = `jane.${randomUUID()}@example.com`;
  const oidcSubject = { issuer: issuer.issuer, subjectSha256: sha256(subject) };
  const { status } = await perform(team, people, invitationCall(operatorId, roles, { oidcSubject }));
  expect(status).toBe(201);
  return { operatorId, subject };
}

interface TokenOptions {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly signing?: SigningOptions;
}

const tokenFor = ({ subject }: Employee, nonce: string, options: TokenOptions = {}): Promise<string> =>
  issuer.sign(
    { sub: subject, aud: audience, nonce, amr: ["pwd", "mfa"], ...options.claims },
    options.signing,
  );

async function signInAs(employee: Employee, options: TokenOptions = {}): Promise<Reply> {
  const challenge = await challengeOf(team);
  const key = await createProofKey();
  return signInWith(team, key, { challenge, idToken: await tokenFor(employee, challenge, options) });
}

async function personOf(employee: Employee): Promise<Person> {
  const challenge = await challengeOf(team);
  const key = await createProofKey();
  const { status, body } = await signInWith(team, key, {
    challenge,
    idToken: await tokenFor(employee, challenge),
  });
  expect(status).toBe(201);
  const authenticator = softwareAuthenticator({ origin, relyingPartyId: host });
  return { operatorId: employee.operatorId, authenticator, key, token: String(body["token"]) };
}

describe("an operator without a passkey who did not come with the fleet", () => {
  it("invites itself to none, neither in a session nor with a certificate", async () => {
    const person = await personOf(await invite(["auditor"]));
    const path = `${base}/passkey-invitations`;
    const bySession = await as(team, person, { path, body: {} });
    expect([bySession.status, bySession.code]).toEqual([403, "access_denied"]);
    const csr = deviceCsr(deviceKey()).toString("base64");
    const issued = await as(team, person, { path: `${base}/operator-certificates`, body: { csr } });
    const byCertificate = await team.send({
      path,
      body: {},
      certificate: String(issued.body["certificate"]),
    });
    expect([byCertificate.status, byCertificate.code]).toEqual([403, "access_denied"]);
  });
});

describe("signing in at an identity provider", () => {
  it("the first sign-in makes the invited operator active, without a passkey", async () => {
    const employee = await invite(["auditor"]);
    const person = await personOf(employee);
    const { body } = await as(team, person, { method: "GET", path: `${base}/operators` });
    expect(body["operators"]).toContainEqual(
      expect.objectContaining({ operatorId: employee.operatorId, state: "active", passkeys: 0 }),
    );
    expect((await signInAs(employee)).status).toBe(201);
  });

  it("45 CFR 164.514(b): the subject, which may be a name, is stored nowhere", async () => {
    const employee = await invite(["auditor"]);
    const { status } = await signInAs(employee);
    expect(status).toBe(201);
    const entries = JSON.stringify(await auditOf(team, "session.created"));
    expect(entries + JSON.stringify(team.log)).not.toContain("jane");
  });

  const refusals: readonly ({ readonly name: string; readonly code?: string } & TokenOptions)[] = [
    { name: "without an MFA claim", claims: { amr: undefined } },
    { name: "whose amr lacks the value", claims: { amr: ["pwd"] } },
    { name: "whose amr is the value as text", claims: { amr: "mfa" } },
    { name: "with the class of another provider instead", claims: { amr: undefined, acr: "mfa" } },
    { name: "with another nonce", claims: { nonce: "A".repeat(43) } },
    { name: "without a nonce", claims: { nonce: undefined } },
    { name: "for another audience", claims: { aud: "somebody-else" } },
    { name: "issued to another client", claims: { aud: [audience, "other"], azp: "other" } },
    { name: "of another issuer", claims: { iss: "https://evil.example" } },
    { name: "that has expired", claims: { exp: 1_000_000_000 }, code: "token_expired" },
    { name: "without a signature", signing: { key: "none" } },
    { name: "signed with HS256 and the public key", signing: { key: "publicPem" } },
    { name: "signed with a key that is not published", signing: { key: "other" } },
  ];
  it.each(refusals)(
    "OpenID Connect Core §3.1.3.7: a token $name is refused",
    async ({ code, ...options }) => {
      const employee = await invite(["auditor"]);
      const reply = await signInAs(employee, options);
      expect([reply.status, reply.code]).toEqual([401, code ?? "token_invalid"]);
    },
  );

  it("acr is compared as a whole, where the fleet names that claim", async () => {
    const employee = await invite(["auditor"]);
    const claims = { aud: "by-class", amr: undefined };
    const right = await signInAs(employee, { claims: { ...claims, acr: "urn:example:loa3" } });
    expect(right.status).toBe(201);
    for (const acr of ["urn:example:loa30", "loa3", ["urn:example:loa3"], undefined])
      expect((await signInAs(employee, { claims: { ...claims, acr } })).code).toBe("token_invalid");
  });

  it.each(["", "a.b", "a.b.c", "e30.e30.e30", `${"A".repeat(9_000)}`])(
    "what is no token is refused: %#",
    async (idToken) => {
      const challenge = await challengeOf(team);
      const { code } = await signInWith(team, await createProofKey(), { challenge, idToken });
      expect(["token_invalid", "request_invalid"]).toContain(code);
    },
  );

  it("nobody's subject and a suspended operator's are told the same", async () => {
    const stranger = await signInAs({ operatorId: "nobody", subject: "stranger" });
    const employee = await invite(["auditor"]);
    await perform(team, [owner], changeCall(employee.operatorId, { state: "suspended" }));
    const suspended = await signInAs(employee);
    expect([stranger.status, stranger.code]).toEqual([403, "operator_not_active"]);
    expect([suspended.status, suspended.code]).toEqual([403, "operator_not_active"]);
    expect(suspended.body["detail"]).toBe(stranger.body["detail"]);
  });

  it("a subject is one operator's", async () => {
    const { subject } = await invite(["auditor"]);
    const oidcSubject = { issuer: issuer.issuer, subjectSha256: sha256(subject) };
    const { status, code } = await perform(
      team,
      [owner],
      invitationCall(`operator-${randomUUID()}`, ["auditor"], { oidcSubject }),
    );
    expect([status, code]).toEqual([409, "already_exists"]);
  });

  it("ten wrong nonces of one subject make it wait, and nobody else", async () => {
    const employee = await invite(["auditor"]);
    const wrong = { claims: { nonce: "B".repeat(43) } };
    for (let failure = 0; failure < 10; failure += 1)
      expect((await signInAs(employee, wrong)).code).toBe("token_invalid");
    const { status, code } = await signInAs(employee);
    expect([status, code]).toEqual([429, "rate_limited"]);
    expect((await signInAs(await invite(["auditor"]))).status).toBe(201);
  });

  it("a provider that does not answer is told apart from a token that is wrong", async () => {
    await issuer.behave("error");
    // Its keys are forgotten after a while, and cannot be fetched.
    team.clock.advance(11 * 60_000);
    const employee = { operatorId: "any", subject: "any" };
    const { status, code } = await signInAs(employee, {
      claims: { exp: Math.floor(team.clock.now() / 1000) + 300 },
    });
    expect([status, code]).toEqual([503, "issuer_unavailable"]);
    await issuer.behave("good");
    team.clock.advance(31_000);
  });
});

describe("approving at an identity provider", () => {
  const now = () => Math.floor(team.clock.now() / 1000);
  const times = () => ({ iat: now(), exp: now() + 300, auth_time: now() });

  async function assertToken(
    employee: Employee,
    person: Person,
    approvalId: string,
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<Reply> {
    const path = `${base}/approvals/${approvalId}`;
    const { body } = await as(team, person, { method: "GET", path });
    const idToken = await tokenFor(employee, String(body["challenge"]), {
      claims: { ...times(), ...claims },
    });
    return as(team, person, { path: `${path}/assertions`, body: { idToken } });
  }

  async function personNow(employee: Employee): Promise<Person> {
    const challenge = await challengeOf(team);
    const key = await createProofKey();
    const idToken = await tokenFor(employee, challenge, { claims: times() });
    const { status, body } = await signInWith(team, key, { challenge, idToken });
    expect(status).toBe(201);
    return { ...owner, operatorId: employee.operatorId, key, token: String(body["token"]) };
  }

  it("a token over the operation, of somebody who signed in just now, counts as that person's", async () => {
    const employee = await invite(["securityOfficer"]);
    const officer = await personNow(employee);
    const call = invitationCall(`operator-${randomUUID()}`, ["auditor"]);
    const asked = await request(team, owner, call);
    const approvalId = String(asked.body["approvalId"]);
    await approve(team, owner, approvalId);

    const refusals = [
      { claims: { auth_time: now() - 301 }, code: "approval_stale" },
      { claims: { auth_time: undefined }, code: "approval_stale" },
      { claims: { nonce: "A".repeat(43) }, code: "token_invalid" },
      { claims: { amr: ["pwd"] }, code: "token_invalid" },
      { claims: { sub: "somebody-else" }, code: "token_invalid" },
    ];
    for (const { claims, code } of refusals)
      expect((await assertToken(employee, officer, approvalId, claims)).code).toBe(code);
    // The owner has no subject there: another person's token is not the owner's.
    expect((await assertToken(employee, owner, approvalId)).code).toBe("token_invalid");

    const taken = await assertToken(employee, officer, approvalId);
    expect(taken.body).toMatchObject({ state: "approved" });
    expect((await assertToken(employee, officer, approvalId)).code).toBe("approval_repeated");
    expect((await execute(team, owner, call, approvalId)).status).toBe(201);
  });
});
