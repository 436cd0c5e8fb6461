/** Room: test. Tokens of CI jobs from a real issuer, at the use case that judges them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { authenticatePipelineToken } from "../../core/access/pipeline.ts";
import { isAppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { countingStore } from "../support/counting-store.ts";
import { testFleet } from "../support/fleet-app.ts";
import type { SigningOptions } from "../support/oidc-issuer.ts";
import { audienceOf, iamEntry, openPipelines, type Pipelines, subject, tenant, trust } from "./pipelines.ts";

let house: Pipelines;
beforeAll(async () => {
  house = await openPipelines();
});
afterAll(() => house.close());
beforeEach(async () => {
  await house.issuer.behave("good");
  await trust(house.app, [house.entry()]);
});

const authenticate = (token: string, fleet = testFleet, app: App = house.app) =>
  authenticatePipelineToken(app, { fleet, token });

/** The entry that lets the token in, or code and message. */
async function outcome(token: string, fleet = testFleet, app: App = house.app): Promise<string> {
  try {
    return (await authenticate(token, fleet, app)).subjectId;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}
const uniform =
  "token_invalid: the fleet trusts no pipeline with this token; compare its issuer, audience and claims with the fleet's entries";

describe("a token that an entry of the fleet covers", () => {
  it("is the pipeline's, which may do what its entry says, whatever the token says", async () => {
    const claims = { operations: ["getCertificate"], roles: ["owner"], fleet: tenant };
    const caller = await authenticate(await house.sign(claims));
    const { fleetState, ...rest } = caller;
    expect(fleetState.record.fleet).toBe(testFleet);
    expect(rest).toEqual({
      kind: "pipeline",
      fleet: testFleet,
      subjectId: "ci",
      actor: "pipeline:ci",
      operations: ["createEnrollmentToken"],
      profiles: ["device"],
      purposes: [],
    });
  });

  it("is good again: a job shows it for each of its calls", async () => {
    const token = await house.sign();
    expect([await outcome(token), await outcome(token)]).toEqual(["ci", "ci"]);
  });

  it("costs one read and no write", async () => {
    const items = countingStore(house.app.items);
    await authenticate(await house.sign(), testFleet, { ...house.app, items });
    expect(items.calls).toEqual({ reads: 1, transactions: 0 });
  });

  it("counts with the entry as it is now: an entry taken away lets nobody in", async () => {
    const token = await house.sign();
    expect(await outcome(token)).toBe("ci");
    await trust(house.app, []);
    expect(await outcome(token)).toBe(uniform);
  });

  it("with several audiences, the fleet's among them", async () => {
    expect(await outcome(await house.sign({ aud: ["other", audienceOf(testFleet)] }))).toBe("ci");
  });

  it("entries never add up: the first that covers it, and that one alone", async () => {
    await trust(house.app, [
      house.entry({ id: "release", claims: { sub: "repo:acme/firmware:ref:refs/tags/*" } }),
      house.entry({
        id: "reader",
        operations: ["listCertificates"],
        claims: { sub: "repo:acme/*:ref:refs/heads/*" },
      }),
      house.entry({ id: "writer" }),
    ]);
    const { subjectId, operations } = await authenticate(await house.sign());
    expect({ subjectId, operations }).toEqual({ subjectId: "reader", operations: ["listCertificates"] });
    const tag = await house.sign({ sub: "repo:acme/firmware:ref:refs/tags/v1" });
    expect(await outcome(tag)).toBe("release");
  });
});

describe("all patterns must cover text", () => {
  const claims = { sub: subject, repository: "acme/firmware", environment: "production" };
  const token = { repository: "acme/firmware", environment: "production" };
  beforeEach(() => trust(house.app, [house.entry({ claims })]));

  it("as they do here", async () => {
    expect(await outcome(await house.sign(token))).toBe("ci");
  });

  it.each([
    ["one does not", { environment: "production-2" }],
    ["one is in another case", { environment: "Production" }],
    ["a claim is missing", { environment: undefined }],
    ["a claim is a number", { environment: 1 }],
    ["a claim is null", { environment: null }],
    ["a claim is a list that holds it", { environment: ["production"] }],
    ["a claim is an object that reads like it", { environment: { toString: "production" } }],
  ])("refused when %s", async (_name, change) => {
    expect(await outcome(await house.sign({ ...token, ...change }))).toBe(uniform);
  });

  it("a claim that every object inherits is none", async () => {
    await trust(house.app, [house.entry({ claims: { sub: subject, constructor: "x*" } })]);
    expect(await outcome(await house.sign())).toBe(uniform);
  });

  it("an entry without patterns, which no configuration has, trusts nobody", async () => {
    await trust(house.app, [house.entry({ claims: {} })]);
    expect(await outcome(await house.sign())).toBe(uniform);
  });
});

describe("refused, with one message for every reason", () => {
  const seconds = () => Math.floor(house.clock.now() / 1000);
  const cases: readonly {
    readonly name: string;
    readonly claims?: () => Record<string, unknown>;
    readonly options?: SigningOptions;
  }[] = [
    { name: "another branch", claims: () => ({ sub: "repo:acme/firmware:ref:refs/heads/dev" }) },
    { name: "another repository", claims: () => ({ sub: "repo:acme/website:ref:refs/heads/main" }) },
    {
      name: "Fulcio CVE-2026-22772: a repository that begins so",
      claims: () => ({ sub: "repo:acme/firmware-evil:ref:refs/heads/main" }),
    },
    { name: "an owner that ends so", claims: () => ({ sub: `evil:${subject}` }) },
    { name: "a branch that begins so", claims: () => ({ sub: `${subject}-evil` }) },
    { name: "a line behind it", claims: () => ({ sub: `${subject}\n` }) },
    {
      name: "Vault, Puppet CVE-2026-115732: another case",
      claims: () => ({ sub: "repo:Acme/firmware:ref:refs/heads/main" }),
    },
    { name: "a pull request", claims: () => ({ sub: "repo:acme/firmware:pull_request" }) },
    { name: "another audience", claims: () => ({ aud: "https://other.example.test" }) },
    { name: "another fleet's audience", claims: () => ({ aud: audienceOf(tenant) }) },
    { name: "no audience", options: { without: ["aud"] } },
    { name: "another issuer", claims: () => ({ iss: "https://other.example.test" }) },
    { name: "no issuer", options: { without: ["iss"] } },
    { name: "an issuer that is a list", claims: () => ({ iss: [house.issuer.issuer] }) },
    { name: "no subject", options: { without: ["sub"] } },
    { name: "RFC 8725 §3.2: alg none", options: { key: "none" } },
    { name: "RFC 8725 §2.1: HS256 with the public key, PEM", options: { key: "publicPem" } },
    { name: "RFC 8725 §2.1: HS256 with the public key, JWK", options: { key: "publicJwk" } },
    {
      name: "Lemur: a key that the header brings",
      options: { key: "other", header: { jwk: { kty: "EC" } } },
    },
    { name: "a key that was not published", options: { key: "other" } },
    { name: "RFC 7519 §4.1.5: not before in two minutes", claims: () => ({ nbf: seconds() + 120 }) },
    { name: "issued in two minutes", claims: () => ({ iat: seconds() + 120, exp: seconds() + 300 }) },
    { name: "good for ever", options: { without: ["exp"] } },
  ];
  it.each(cases)("$name", async ({ claims = () => ({}), options = {} }) => {
    expect(await outcome(await house.sign(claims(), options))).toBe(uniform);
  });

  it.each([
    ["no token", "a.b.c"],
    ["a token of one part", "a"],
    ["a payload that is no JSON", `e30.${Buffer.from("{").toString("base64url")}.AA`],
    ["a payload that is null", `e30.${Buffer.from("null").toString("base64url")}.AA`],
    ["a payload that is text", `e30.${Buffer.from('"iss"').toString("base64url")}.AA`],
  ])("%s", async (_name, token) => {
    expect(await outcome(token)).toBe(uniform);
  });

  it("a fleet that there is none of answers as one that trusts nobody", async () => {
    const token = await house.sign();
    expect(await outcome(token, "nobody")).toBe(uniform);
    expect(await outcome(token, tenant)).toBe(uniform);
  });

  it("a fleet that trusts IAM principals only", async () => {
    await trust(house.app, [iamEntry()]);
    expect(await outcome(await house.sign())).toBe(uniform);
  });
});

describe("tenants", () => {
  it("EJBCA CVE-2021-40088: a token for one fleet's audience is nothing at another, of the same issuer and subject", async () => {
    await trust(house.app, [house.entry({ id: "theirs", audience: audienceOf(tenant) })], tenant);
    const ours = await house.sign();
    const theirs = await house.sign({ aud: audienceOf(tenant) });
    expect(await outcome(ours)).toBe("ci");
    expect(await outcome(ours, tenant)).toBe(uniform);
    expect(await outcome(theirs, tenant)).toBe("theirs");
    expect(await outcome(theirs)).toBe(uniform);
    await trust(house.app, [], tenant);
  });
});

describe("time", () => {
  it("RFC 7519 §4.1.4: expired a minute ago", async () => {
    const now = Math.floor(house.clock.now() / 1000);
    const token = await house.sign({ iat: now - 360, exp: now - 60 });
    expect(await outcome(token)).toBe("token_expired: the token has expired; ask its issuer for another");
  });

  it("RFC 8725 §3.8: however long its issuer gives it, an hour after iat it is too old", async () => {
    const now = Math.floor(house.clock.now() / 1000);
    const signed = (age: number) => house.sign({ iat: now - age, exp: now + 3_600 });
    expect(await outcome(await signed(3_580))).toBe("ci");
    expect(await outcome(await signed(3_602))).toBe(
      "token_expired: the token is older than 3600 s; ask its issuer for another",
    );
  });

  it("too old and of a stranger: the stranger is not told more", async () => {
    const now = Math.floor(house.clock.now() / 1000);
    const token = await house.sign({ sub: "repo:evil/x", iat: now - 7_200, exp: now + 3_600 });
    expect(await outcome(token)).toBe(uniform);
  });
});

describe("GO-2025-4193: size before content", () => {
  it("8,193 characters are refused without a read or a fetch", async () => {
    const app = house.fresh();
    const items = countingStore(app.items);
    const before = await house.issuer.fetches();
    const token = await house.sign({ padding: "x".repeat(8_193) });
    expect(token.length).toBeGreaterThan(8_192);
    expect(await outcome(token, testFleet, { ...app, items })).toBe(
      `token_invalid: the token has ${token.length} characters, limit 8192`,
    );
    expect(items.calls).toEqual({ reads: 0, transactions: 0 });
    expect(await house.issuer.fetches()).toEqual(before);
  });

  it("a token of 8,000 characters is read", async () => {
    const token = await house.sign({ padding: "x".repeat(5_700) });
    expect(token.length).toBeGreaterThan(7_500);
    expect(await outcome(token)).toBe("ci");
  });
});

describe("what is fetched", () => {
  it("Lemur, SSRF: an issuer that no entry names is never asked, whatever the token says of itself", async () => {
    await trust(house.app, [house.entry({ issuer: "https://configured.example.test" })]);
    const before = await house.issuer.fetches();
    const header = { jku: `${house.issuer.issuer}/keys`, x5u: `${house.issuer.issuer}/keys` };
    expect(await outcome(await house.sign({}, { header }), testFleet, house.fresh())).toBe(uniform);
    expect(await house.issuer.fetches()).toEqual(before);
  });

  it("100 tokens of unknown keys at once: one fetch more; the pipeline's own token stays good", async () => {
    const app = house.fresh();
    const good = await house.sign();
    expect(await outcome(good, testFleet, app)).toBe("ci");
    // A new key set is asked for when the old one is 30 s old, and not before.
    house.clock.advance(31_000);
    const { keys } = await house.issuer.fetches();
    const storm: string[] = [];
    for (let index = 0; index < 100; index += 1)
      storm.push(await house.sign({}, { header: { kid: `unknown-${index}` } }));
    const outcomes = await Promise.all(storm.map((token) => outcome(token, testFleet, app)));
    expect(new Set(outcomes)).toEqual(new Set([uniform]));
    expect((await house.issuer.fetches()).keys).toBe(keys + 1);
    expect(await outcome(good, testFleet, app)).toBe("ci");
    expect((await house.issuer.fetches()).keys).toBe(keys + 1);
  });

  it("strangers lock nobody out: after 50 forged tokens the pipeline's own is good", async () => {
    for (let count = 0; count < 50; count += 1)
      expect(await outcome(await house.sign({}, { key: "other" }))).toBe(uniform);
    expect(await outcome(await house.sign())).toBe("ci");
  });

  it("an issuer that rotated its keys: the new ones count, and the old ones no longer", async () => {
    const app = house.fresh();
    const old = await house.sign();
    expect(await outcome(old, testFleet, app)).toBe("ci");
    await house.issuer.rotate();
    house.clock.advance(31_000);
    expect(await outcome(await house.sign(), testFleet, app)).toBe("ci");
    expect(await outcome(old, testFleet, app)).toBe(uniform);
  });

  it("an issuer that is down: nobody is let in, and the caller may come again", async () => {
    await house.issuer.behave("error");
    expect(await outcome(await house.sign(), testFleet, house.fresh())).toContain("issuer_unavailable");
  });
});
