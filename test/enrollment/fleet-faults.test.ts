/** Room: test. A fleet made by a service that fails, or succeeds and times out, at any one of its steps: one fleet. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../core/authority/issuer.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { isAppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { type Fault, faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore, type StoreFault } from "../support/faulty-store.ts";
import { addFleet, type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { patientClock } from "../support/patient-clock.ts";

let opened: FleetApp;
beforeAll(async () => {
  opened = await openFleetApp();
});
afterAll(() => opened.close());

interface Run {
  readonly fleet: Fleet;
  /** What each attempt but the last failed with. */
  readonly failures: readonly string[];
  readonly transactions: number;
  readonly signatures: number;
}

/** Makes `fleet`, as often as it takes, with one fault at step `at` of the one kind or the other. */
async function make(fleet: string, at: number, fault: { store?: StoreFault; keys?: Fault }): Promise<Run> {
  const steps = { transactions: 0, signatures: 0 };
  const failures: string[] = [];
  const clock = patientClock(opened.clock.now());
  const items = faultyStore(opened.app.items, () => {
    steps.transactions += 1;
    return steps.transactions === at ? (fault.store ?? "none") : "none";
  });
  const keys = faultyKeys(opened.app.keys, () => {
    steps.signatures += 1;
    return steps.signatures === at ? (fault.keys ?? "none") : "none";
  });
  const app: App = { ...opened.app, clock, items, keys };
  for (;;) {
    try {
      return { fleet: await clock.run(() => addFleet(app, fleet)), failures, ...steps };
    } catch (error) {
      if (!isAppError(error) || failures.length === 3) throw error;
      failures.push(error.code);
    }
  }
}

/** Intent and certificate of root and issuing authority, then the fleet; a CSR and a certificate of each. */
const transactions = [1, 2, 3, 4, 5];
const signatures = [1, 2, 3, 4];
const cases = [
  ...(["unavailable", "committedThenUnavailable"] as const).flatMap((store) =>
    transactions.map((at) => ({
      what: `transaction ${at}: ${store}`,
      at,
      fault: { store },
      code: "store_unavailable",
    })),
  ),
  ...(["unavailable", "signedThenUnavailable"] as const).flatMap((keys) =>
    signatures.map((at) => ({
      what: `signature ${at}: ${keys}`,
      at,
      fault: { keys },
      code: "key_service_unavailable",
    })),
  ),
];

describe("a fleet's first start", () => {
  it("takes five transactions and four signatures", async () => {
    expect(await make("whole", 0, {})).toMatchObject({ failures: [], transactions: 5, signatures: 4 });
  });

  it.each(cases.map((row, index) => ({ ...row, name: `fleet-${index}` })))(
    "$what: $code, and the next start makes one fleet of one root and one issuing authority",
    async ({ name, at, fault, code }) => {
      const { fleet, failures } = await make(name, at, fault);
      expect(failures).toEqual([code]);
      const { certificates } = await listCertificates(opened.app, { fleet: name, limit: 10 });
      expect(certificates.map(({ profile }) => profile).sort()).toEqual(["issuing", "root"]);
      expect(fleet.authorities.map(({ record }) => record.kind).sort()).toEqual(["issuing", "root"]);
      const again = await addFleet(opened.app, name);
      expect(again.authorities.map(({ certificate }) => certificate.raw)).toEqual(
        fleet.authorities.map(({ certificate }) => certificate.raw),
      );
    },
  );
});
