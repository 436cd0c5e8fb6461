import { describe, expect, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import { checkConfiguration } from "../../core/fleets/configuration-check.ts";
import {
  type BackendTrust,
  defaultConfiguration,
  type FleetConfiguration,
  type OidcPipelineTrust,
} from "../../core/records/fleet-configuration.ts";

const now = Date.UTC(2026, 10, 25);

const oidc: OidcPipelineTrust = {
  kind: "oidc",
  id: "ci",
  operations: ["createEnrollmentToken"],
  profiles: ["device"],
  issuer: "https://issuer.example.test",
  audience: "https://fleet.example.test",
  claims: { sub: "repo:acme/firmware:ref:refs/heads/main" },
};
const backend: BackendTrust = {
  kind: "certificate",
  id: "records",
  backend: "records-store",
  operations: ["encryptData", "decryptData"],
  profiles: [],
  purposes: ["observations"],
};
/** "accepted", or code and message. */
function judge(change: Partial<FleetConfiguration>): string {
  try {
    checkConfiguration({ ...defaultConfiguration, ...change }, now);
    return "accepted";
  } catch (error) {
    if (!isAppError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

type Case = readonly [name: string, change: () => Partial<FleetConfiguration>, expected: string];

describe("backends, and purposes of data", () => {
  const changed = (change: Partial<BackendTrust>) => () => ({ pipelines: [{ ...backend, ...change }] });
  const { purposes: _, ...withoutPurposes } = backend;
  const cases: readonly Case[] = [
    ["an entry beside another's", () => ({ pipelines: [oidc, backend] }), "accepted"],
    ["a purpose for all", changed({ purposes: ["*"] }), "accepted"],
    [
      "of an OIDC pipeline too",
      () => ({ pipelines: [{ ...oidc, operations: ["encryptData"], purposes: ["observations"] }] }),
      "accepted",
    ],
    ["purposes under the fleet's key", () => ({ fleetWrappedPurposes: ["exports", "logs"] }), "accepted"],
    [
      "two entries for one backend",
      () => ({ pipelines: [backend, { ...backend, id: "records-2" }] }),
      "request_invalid: two entries of kind certificate are for one backend",
    ],
    [
      "a backend of a form that no certificate has",
      changed({ backend: "records-*" }),
      'name_not_permitted: pipeline "records": backend: backend identifier may hold only',
    ],
    [
      "a backend named like a person",
      changed({ backend: "jane@example.test" }),
      'name_not_permitted: pipeline "records": backend: backend identifier is shaped like',
    ],
    [
      "an operation of pipelines",
      changed({ operations: ["encryptData", "registerDevices"] }),
      'request_invalid: pipeline "records": operation registerDevices is for pipelines',
    ],
    [
      "profiles, which it has no use for",
      changed({ profiles: ["device"] }),
      'pipeline "records": profiles and serverNames are for pipelines',
    ],
    [
      "names of servers, which it has no use for",
      changed({ serverNames: ["api.example.test"] }),
      'pipeline "records": profiles and serverNames are for pipelines',
    ],
    ["no operation", changed({ operations: [] }), 'pipeline "records" may do nothing'],
    [
      "no purpose",
      changed({ purposes: [] }),
      'pipeline "records" may do encryptData, decryptData for no purpose',
    ],
    ["purposes left out", () => ({ pipelines: [withoutPurposes] }), "for no purpose; name purposes"],
    [
      "purposes of a pipeline that does nothing with data",
      () => ({ pipelines: [{ ...oidc, purposes: ["observations"] }] }),
      'pipeline "ci": purposes are for createDataKey, encryptData, decryptData, reencryptData',
    ],
    ["a purpose twice", changed({ purposes: ["a", "a"] }), 'pipeline "records": purposes names one twice'],
    [
      "all and more",
      changed({ purposes: ["*", "observations"] }),
      'purposes has "*", which is all, and more',
    ],
    ["a pattern", changed({ purposes: ["obs*"] }), "request_invalid: purpose has 4 characters"],
    [
      "a purpose of the service's own",
      changed({ purposes: ["fleetkey-reasons"] }),
      'purposes that begin with "fleetkey-" are the service\'s own',
    ],
    [
      "the service's own under the fleet's key",
      () => ({ fleetWrappedPurposes: ["fleetkey-reasons"] }),
      'purposes that begin with "fleetkey-" are the service\'s own',
    ],
    ["any under the fleet's key", () => ({ fleetWrappedPurposes: ["*"] }), "purpose has 1 characters"],
    [
      "one twice under the fleet's key",
      () => ({ fleetWrappedPurposes: ["logs", "logs"] }),
      "fleetWrappedPurposes names a purpose twice",
    ],
  ];
  it.each(cases)("%s", (_name, change, expected) => {
    expect(judge(change())).toContain(expected);
  });
});
