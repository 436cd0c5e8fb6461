/**
 * Several credentials in one request: one of them is judged, the most deliberate one, and when it does not hold no
 * other is tried in its place. Nobody borrows what another credential may.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type Call, codeAt, named } from "./matrix/caller.ts";
import type { Credential, Presented } from "./matrix/credential.ts";
import { fleets, openWorld, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const base = `/v1/fleets/${fleets.own}`;

/** One request with what both present; where both have a header, the first one's. */
const together = (first: Credential, second: Credential): Credential => ({
  ...first,
  async present(at, target) {
    const presented = await first.present(at, target);
    const more = await second.present(at, target);
    return { ...more, ...presented, headers: { ...more.headers, ...presented.headers } };
  },
});

/** As a gateway joins a header that comes twice (RFC 9110 §5.3). */
const withHeaderTwice = (credential: Credential, name: string): Credential => ({
  ...credential,
  async present(at, target) {
    const { headers = {}, ...rest }: Presented = await credential.present(at, target);
    return { ...rest, headers: { ...headers, [name]: `${headers[name]},${headers[name]}` } };
  },
});

const csr = (): string => deviceCsr(deviceKey()).toString("base64");
const list = (): Call => ({ path: `${base}/certificates` });
const token = (): Call => ({
  method: "POST",
  path: `${base}/enrollment-tokens`,
  body: { deviceId: "pump-t" },
});
const enrolment = (): Call => ({
  method: "POST",
  path: `${base}/certificates`,
  body: { csr: csr(), deviceId: "pump-victim" },
});
const returning = (): Call => {
  const { certificate: previousCertificate, key } = world.returning("own", "revoked");
  const body = { csr: deviceCsr(key).toString("base64"), previousCertificate };
  return { method: "POST", path: `${base}/certificates`, body };
};

describe("of two credentials", () => {
  const cases = [
    ["session of owner, expired", "certificate of owner", list, "session_invalid"],
    ["session of owner, replayed proof", "certificate of owner", list, "proof_replayed"],
    ["session of auditor", "certificate of owner", token, "role_not_permitted"],
    ["session of owner", "certificate of auditor", token, undefined],
    ["session of owner", "certificate of owner, revoked", list, undefined],
    ["session of owner", "certificate of owner, other fleet", list, undefined],
    ["session of owner, other fleet", "certificate of owner", list, "not_found"],
    ["pipeline token", "certificate of owner, other fleet", list, "not_found"],
    ["pipeline token", "certificate of device", list, "access_denied"],
    ["pipeline token", "certificate of owner, revoked", list, "client_certificate_revoked"],
    ["pipeline token, wrongKey", "certificate of owner", list, undefined],
    ["IAM principal", "pipeline token, wrongKey", list, "token_invalid"],
    ["IAM principal", "none", list, "client_certificate_required"],
    ["enrolment token, expired", "certificate of claim", enrolment, "credential_expired"],
    ["enrolment token, other fleet", "certificate of claim", enrolment, "credential_invalid"],
    ["session of owner", "certificate of claim", enrolment, "credential_invalid"],
    ["certificate of claim", "none", returning, "client_certificate_revoked"],
  ] as const;

  function credentialOf(words: string): Credential {
    const [name = "", state = "fresh"] = words.split(", ");
    if (state === "other fleet") return named(name, "fresh", "other");
    return named(name, state.replace(" proof", ""));
  }

  it.each(cases)("%s, with %s", async (first, second, callOf, expected) => {
    const credential = together(credentialOf(first), credentialOf(second));
    const call = callOf();
    if (credential.twice !== true) {
      expect(await codeAt(world, credential, call)).toBe(expected);
      return;
    }
    const presented = await credential.present(world, { method: "GET", path: call.path });
    const same = { ...credential, present: async () => presented };
    expect(await codeAt(world, same, call)).toBeUndefined();
    expect(await codeAt(world, same, call)).toBe(expected);
  });
});

describe("a header that comes twice is nobody's", () => {
  const critical = (): Call => ({ method: "POST", path: `${base}/state`, body: {} });

  it.each([
    ["session of owner", "authorization", list, "credential_invalid"],
    ["session of owner", "dpop", list, "proof_invalid"],
    ["pipeline token", "authorization", list, "credential_invalid"],
    ["enrolment token", "authorization", enrolment, "credential_invalid"],
    ["approval", "fleetkey-approval", critical, "approval_required"],
  ] as const)("%s: %s", async (name, header, callOf, expected) => {
    expect(await codeAt(world, withHeaderTwice(named(name), header), callOf())).toBe(expected);
  });
});
