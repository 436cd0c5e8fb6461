/** Answers about rotation as the service gives them, for tests of what the command line makes of them. */
import type { Ceremony, KeyReport, Rollover } from "../../lambdas/http/rotation-answers.ts";
import type { ServerCertificate } from "../../lambdas/http/server-answers.ts";
import type { FakeAnswer, FakeRequest } from "./fake-service.ts";

export const rolloverId = "1".repeat(32);
export const ceremonyId = "2".repeat(32);
export const approvalId = "a".repeat(32);
const time = "2026-01-01T00:00:00Z";

export const ok = (body: object): FakeAnswer => ({ status: 200, body });

export const rolloverView = (more: Partial<Rollover> = {}): Rollover => ({
  ...{ rolloverId, kind: "issuing", state: "published", from: "issuing-1", to: "issuing-2" },
  ...{ algorithm: "P-256", custody: "service", emergency: false },
  ...{ createdAt: time, createdBy: "operator:operator-1", enteredAt: time },
  next: {
    state: "active",
    gates: [
      { gate: "manifest", holds: true },
      { gate: "days", holds: false, have: 2, want: 7, at: "2026-01-06T00:00:00Z" },
      { gate: "adoption", holds: false, have: 40.5, want: 95 },
    ],
  },
  mayRollBack: true,
  ...more,
});

export const ceremonyView = (more: Partial<Ceremony> = {}): Ceremony => ({
  ...{ ceremonyId, purpose: "rollover", mode: "service", rolloverId, state: "approved", approvalId },
  ...{ createdAt: time, createdBy: "operator:operator-1", closesAt: "2026-01-01T01:00:00Z", rootsLent: 0 },
  ...more,
});

export const serverView = (more: Partial<ServerCertificate> = {}): ServerCertificate => ({
  ...{ name: "ingest-eu", state: "requested", dnsNames: ["api.example.com"], keyAlgorithm: "P-256" },
  ...more,
});

export const keyView = (more: Partial<KeyReport["keys"][number]> = {}): KeyReport["keys"][number] => ({
  ...{ kind: "issuing", name: "issuing-1", algorithm: "P-256", use: "used", custody: "service" },
  ...{ since: time, ageDays: 3, state: "ok", warnAt: time, dueAt: time, overdueAt: time, refusedAt: time },
  ...{ condition: "enabled", nextAction: "byItself" },
  ...more,
});

/** Complete already, so that the command goes on at once. */
export function approvalOf({ body }: FakeRequest): FakeAnswer {
  const asked = body === "" ? {} : (JSON.parse(body) as Record<string, unknown>);
  return ok({
    ...{ approvalId, operation: "planRollover", critical: "authorityRotation", parameters: {}, body: {} },
    ...asked,
    ...{ operationDigest: "00".repeat(32), challenge: "A".repeat(43), state: "approved", persons: 2 },
    ...{ requestedBy: "operator-1", approvedBy: ["operator-1", "operator-2"] },
    ...{ createdAt: time, expiresAt: "2026-01-01T00:15:00Z" },
  });
}
