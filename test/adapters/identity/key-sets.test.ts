/** Room: test. When an issuer's keys are fetched, when they are not, and what is believed of what comes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import type { IdentityVerifier } from "../../../core/ports.ts";
import { codeOf } from "../../support/errors.ts";
import {
  type Behaviour,
  type OidcIssuer,
  type SigningOptions,
  startOidcIssuer,
} from "../../support/oidc-issuer.ts";

let issuer: OidcIssuer;
let verifier: IdentityVerifier;
const audience = "https://fleet.example.test";
const subject = "repo:acme/firmware:ref:refs/heads/main";
beforeAll(async () => {
  issuer = await startOidcIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  await issuer.behave("good");
  // Nothing remembered from the test before.
  verifier = identityVerifier({ ca: issuer.ca });
});

// Long enough for every clock below.
const signed = (options?: SigningOptions): Promise<string> =>
  issuer.sign({ sub: subject, aud: audience, exp: Math.floor(Date.now() / 1000) + 7_200 }, options);
const unknownKey = (): Promise<string> => signed({ key: "other", header: { kid: "unknown" } });
const verify = (token: string, extra: object = {}) =>
  verifier.verifyToken(token, { issuer: issuer.issuer, audience, now: Date.now(), ...extra });

/** How many fetches of discovery and keys `act` costs. */
async function costOf(act: () => Promise<unknown>): Promise<readonly [discovery: number, keys: number]> {
  const before = await issuer.fetches();
  await act();
  const after = await issuer.fetches();
  return [after.discovery - before.discovery, after.keys - before.keys];
}

describe("which keys", () => {
  it("Lemur 2026: jku, x5u and jwk of the header are nobody's: the one key set is the configured issuer's", async () => {
    const header = { jku: "https://127.0.0.1:1/keys", x5u: "https://127.0.0.1:1/cert" };
    await expect(verify(await signed({ header }))).resolves.toMatchObject({ subject });
    expect(await codeOf(verify(await signed({ header, key: "other" })))).toBe("token_invalid");
  });

  it("keys on another host are fetched where `jwksUri` says so", async () => {
    await issuer.behave("elsewhere");
    const token = await signed();
    const cost = await costOf(async () => {
      await expect(verify(token, { jwksUri: `${issuer.issuer}/keys` })).resolves.toMatchObject({ subject });
    });
    expect(cost).toEqual([0, 1]);
  });

  it("a root that nobody configured does not vouch for an issuer", async () => {
    const stranger = identityVerifier();
    const expected = { issuer: issuer.issuer, audience, now: Date.now() };
    expect(await codeOf(stranger.verifyToken(await signed(), expected))).toBe("issuer_unavailable");
  });

  it.each<{ name: string; configured: object }>([
    { name: "an issuer over plain HTTP", configured: { issuer: "http://127.0.0.1:1" } },
    { name: "keys over plain HTTP", configured: { jwksUri: "http://127.0.0.1:1/keys" } },
    {
      name: "an issuer over plain HTTP whose keys are not",
      configured: { issuer: "http://127.0.0.1:1", jwksUri: "https://127.0.0.1:1/keys" },
    },
    { name: "an issuer with credentials", configured: { issuer: "https://user:secret@127.0.0.1:1" } },
    { name: "an issuer with a query", configured: { issuer: "https://127.0.0.1:1/?path=" } },
    { name: "what is no URL", configured: { issuer: "issuer" } },
  ])("data in motion is encrypted: $name is a mistake of the configuration", async ({ configured }) => {
    const error = await verify(await signed(), configured).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "configuration_invalid" });
    expect(String(error)).not.toMatch(/127\.0\.0\.1|secret/);
  });
});

describe("when", () => {
  it("a rotation is followed after the cool-down, and the withdrawn key is refused", async () => {
    const old = await signed();
    await verify(old);
    await issuer.rotate();
    const now = Date.now() + 31_000;
    await expect(verify(await signed(), { now })).resolves.toMatchObject({ subject });
    expect(await codeOf(verify(old, { now }))).toBe("token_invalid");
  });

  it("200 tokens at once that name an unknown key cost one fetch, and none within the cool-down", async () => {
    await verify(await signed());
    const forged = await unknownKey();
    const now = Date.now() + 31_000;
    const storm = async () => {
      const codes = await Promise.all(Array.from({ length: 200 }, () => codeOf(verify(forged, { now }))));
      expect(new Set(codes)).toEqual(new Set(["token_invalid"]));
    };
    expect((await costOf(storm))[1]).toBe(1);
    const later = async () => {
      expect(await codeOf(verify(forged, { now: now + 29_000 }))).toBe("token_invalid");
    };
    expect(await costOf(later)).toEqual([0, 0]);
  });

  it("100 first tokens at once cost one discovery and one fetch of keys", async () => {
    const token = await signed();
    expect(await costOf(() => Promise.all(Array.from({ length: 100 }, () => verify(token))))).toEqual([1, 1]);
  });

  it("keys are kept for ten minutes, then asked for again, where they are then", async () => {
    const token = await signed();
    const start = Date.now();
    await verify(token, { now: start });
    expect(await costOf(() => verify(token, { now: start + 599_000 }))).toEqual([0, 0]);
    expect(await costOf(() => verify(token, { now: start + 600_000 }))).toEqual([1, 1]);
  });

  it("keys that are too old are not used while the issuer is away", async () => {
    const token = await signed();
    const start = Date.now();
    await verify(token, { now: start });
    await issuer.behave("error");
    expect(await codeOf(verify(token, { now: start + 600_000 }))).toBe("issuer_unavailable");
    await issuer.behave("good");
    await expect(verify(token, { now: start + 606_000 })).resolves.toMatchObject({ subject });
  });

  it("keys that are not too old are, whatever an unknown key brings about", async () => {
    const token = await signed();
    await verify(token);
    await issuer.behave("error");
    const now = Date.now() + 31_000;
    expect(await codeOf(verify(await unknownKey(), { now }))).toBe("issuer_unavailable");
    await expect(verify(token, { now })).resolves.toMatchObject({ subject });
  });

  it("an issuer that failed is left alone for five seconds, and asked again then", async () => {
    await issuer.behave("error");
    const token = await signed();
    const start = Date.now();
    const failing = (now: number) => async () => {
      expect(await codeOf(verify(token, { now }))).toBe("issuer_unavailable");
    };
    expect(await costOf(failing(start))).toEqual([1, 1]);
    expect(await costOf(failing(start + 4_900))).toEqual([0, 0]);
    expect(await costOf(failing(start + 5_000))).toEqual([1, 1]);
    await issuer.behave("good");
    await expect(verify(token, { now: start + 10_000 })).resolves.toMatchObject({ subject });
  });

  it("at most a hundred issuers are remembered, and the first is then asked again", async () => {
    const token = await signed();
    const at = (index: number) => ({ jwksUri: `${issuer.issuer}/keys?${index}`, now: Date.now() });
    for (let index = 0; index < 100; index += 1) await verify(token, at(index));
    expect(await costOf(() => verify(token, at(0)))).toEqual([0, 0]);
    await verify(token, at(100));
    expect(await costOf(() => verify(token, at(0)))).toEqual([0, 1]);
  });
});

describe("an issuer that misbehaves is not available, and it is said when to come back", () => {
  const cases: readonly { behaviour: Behaviour; cost: readonly [number, number] }[] = [
    { behaviour: "oversize", cost: [1, 1] },
    // Followed, it would be two.
    { behaviour: "redirect", cost: [1, 1] },
    { behaviour: "html", cost: [1, 1] },
    { behaviour: "list", cost: [1, 1] },
    { behaviour: "deep", cost: [1, 1] },
    { behaviour: "cut", cost: [1, 1] },
    { behaviour: "error", cost: [1, 1] },
    { behaviour: "empty", cost: [1, 1] },
    { behaviour: "crowd", cost: [1, 1] },
    { behaviour: "elsewhere", cost: [1, 0] },
    { behaviour: "plain", cost: [1, 0] },
    { behaviour: "keyless", cost: [1, 0] },
    { behaviour: "impostor", cost: [1, 0] },
    { behaviour: "discovery-redirect", cost: [1, 0] },
    { behaviour: "discovery-missing", cost: [1, 0] },
  ];

  const fails = async (token: string): Promise<void> => {
    const error = await verify(token).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "issuer_unavailable", retryAfter: 5 });
  };

  it.each(cases)("$behaviour", async ({ behaviour, cost }) => {
    const token = await signed();
    await issuer.behave(behaviour);
    expect(await costOf(() => fails(token))).toEqual(cost);
  });

  it.each<Behaviour>(["hang", "stall"])("%s, after the timeout and not much later", async (behaviour) => {
    verifier = identityVerifier({ ca: issuer.ca, timeout: 500 });
    const token = await signed();
    await issuer.behave(behaviour);
    const asked = Date.now();
    await fails(token);
    // Less than the default, and room for a busy machine.
    expect(Date.now() - asked).toBeLessThan(4_500);
  });

  it("RFC 7517 §5: members of the set that are no keys", async () => {
    const token = await signed();
    await issuer.behave("broken");
    expect(await codeOf(verify(token))).toBe("issuer_unavailable");
  });

  it("a private key that is published verifies nothing: anyone may hold it", async () => {
    const token = await signed();
    await issuer.behave("private");
    expect(await codeOf(verify(token))).toBe("token_invalid");
  });
});
