/**
 * Room: test. A root whose key nobody has any more: what stands above and beside it goes on, and lists of others are
 * signed all the same.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { clientTrustKey, deployFleet } from "../../core/bootstrap/deployment.ts";
import { distribute } from "../../core/bootstrap/distribution.ts";
import { AppError } from "../../core/errors.ts";
import type { KeyService } from "../../core/ports.ts";
import { findListRecord } from "../../core/revocation/list-record.ts";
import { completeShard } from "../../core/revocation/shard.ts";
import { openCeremony } from "../../core/rotation/ceremony.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { lendRoots, returnRoots } from "../../core/rotation/loans.ts";
import { listRollovers } from "../../core/rotation/rollover.ts";
import { codeOf } from "../support/errors.ts";
import {
  approved,
  day,
  name,
  openRolloverFleet,
  type RolloverApp,
  type RolloverFleet,
  settle,
} from "./rollover-fleet.ts";
import { advance, authorities, bringTo, ceremony, plan } from "./rollover-steps.ts";

let origin: Awaited<ReturnType<typeof openRolloverFleet>>;
let fleet: RolloverFleet;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());
beforeEach(async () => {
  fleet = await origin.copy();
});

const gone = () => new AppError("key_not_found", "the key is gone");

async function keyOf(app: RolloverApp, authorityId: string): Promise<string> {
  const { authorities: all } = await getFleet(app, name);
  return all.find(({ record }) => record.authorityId === authorityId)?.record.keyId ?? "";
}

const without = (keys: KeyService, lost: string): KeyService => ({
  createKey: (alias, algorithm) => keys.createKey(alias, algorithm),
  describeKey: async (keyId) => (keyId === lost ? Promise.reject(gone()) : keys.describeKey(keyId)),
  sign: async (keyId, message) => (keyId === lost ? Promise.reject(gone()) : keys.sign(keyId, message)),
});

/** The same fleet; nothing answers for the key of `authorityId` any more. */
async function losing(app: RolloverApp, authorityId: string): Promise<RolloverApp> {
  const lost = await keyOf(app, authorityId);
  return {
    ...app,
    keys: without(app.keys, lost),
    keysWith: (tokens) => without(app.keysWith(tokens), lost),
    custody: {
      ...app.custody,
      lend: async (keyId, loan) => (keyId === lost ? Promise.reject(gone()) : app.custody.lend(keyId, loan)),
    },
  };
}

async function listOf(app: RolloverApp, authorityId: string): Promise<number> {
  const found = await findListRecord(app, { fleet: name, authorityId, crlShard: completeShard });
  return found?.value.publishedNumber ?? 0;
}

describe("a root whose key is lost", () => {
  it("is replaced with all that stands below it, to the end, without a signature of its own", async () => {
    const app = await losing(fleet.app, "root-1");
    const { rolloverId: root } = await plan(app, "root", { emergency: true });
    await ceremony(app, root);
    await settle(app);
    const { rollovers } = await listRollovers(app, { fleet: name, limit: 10 });
    const issuing = rollovers.find(({ kind }) => kind === "issuing");
    await ceremony(app, issuing?.rolloverId ?? "");
    await settle(app);
    const people = await approved(app, { critical: "authorityUse", what: "trustSigner" });
    await openCeremony(app, { ...people, purpose: "trustSigner" });
    await settle(app);
    await advance(app, root, "retired");
    await settle(app);
    expect(await authorities(app)).toMatchObject({
      "root-1": "retired",
      "root-2": "active",
      "issuing-2": "active",
    });
    expect(fleet.kept.loans.size).toBe(0);
  });

  it("while it drains keeps no other root's list, and no deployment, waiting", async () => {
    await bringTo(fleet, "root", "draining");
    const app = await losing(fleet.app, "root-1");
    fleet.advance(100 * day);
    const before = await listOf(app, "root-2");
    const keys = without(origin.keys, await keyOf(app, "root-1"));
    await distribute({ ...app, keys }, name);
    expect(await listOf(app, "root-2")).toBeGreaterThan(before);
    expect(fleet.log).toContainEqual(expect.objectContaining({ event: "root_list_not_signed" }));
  });

  it("and cannot be taken back keeps no other lent", async () => {
    const { app } = fleet;
    const lost = await keyOf(app, "root-1");
    const { rolloverId } = await plan(app, "root");
    await ceremony(app, rolloverId);
    await holdCeremonies(app);
    await lendRoots(app, name);
    expect(new Set(fleet.kept.loans.values()).size).toBe(2);
    fleet.advance(day);
    const endLoan: RolloverApp["custody"]["endLoan"] = async (keyId, loanId) => {
      if (keyId === lost) throw new AppError("key_service_unavailable", "throttled", { retryAfter: 1 });
      return app.custody.endLoan(keyId, loanId);
    };
    expect(await codeOf(returnRoots({ ...app, custody: { ...app.custody, endLoan } }, name))).toBe(
      "key_service_unavailable",
    );
    expect([...fleet.kept.loans.values()]).toEqual([lost]);
    await returnRoots(app, name);
    expect(fleet.kept.loans.size).toBe(0);
  });
});

describe("a deployment", () => {
  it.each([
    { what: "the signer of trust manifests is past its grace", days: 400, lost: undefined },
    { what: "the key of the authority that issues is disabled", days: 8, lost: "issuing-1" },
  ])("is possible while $what: it is how people get out", async ({ days, lost }) => {
    const { app } = fleet;
    fleet.advance(days * day);
    const keys = without(origin.keys, lost === undefined ? "" : await keyOf(app, lost));
    const plan = {
      fleet: name,
      trustDomain: "example.test",
      rootAlgorithm: "P-256",
      issuingAlgorithm: "P-256",
    } as const;
    const at = "https://keys.example.test";
    const { trustStore } = await deployFleet({ ...app, keys }, { plan, fleets: [name], origin: at });
    expect(trustStore.key).toBe(clientTrustKey);
    expect(fleet.log.filter(({ event }) => event === "not_distributed")).not.toEqual([]);
  });
});
