/** Room: test. A root is replaced, what stands below it follows, and the old one goes; and what an emergency cuts short. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { listRenewalWindows } from "../../core/enrollment/renewal-window.ts";
import { serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import { openCeremony } from "../../core/rotation/ceremony.ts";
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
import {
  advance,
  authorities,
  bringTo,
  ceremony,
  issuer,
  onwards,
  plan,
  rollBack,
  view,
} from "./rollover-steps.ts";

let origin: RolloverFleet;
let fleet: RolloverFleet;
let app: RolloverApp;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());
beforeEach(async () => {
  fleet = await origin.copy();
  app = fleet.app;
});

const open = async (kind: "issuing" | "root") => {
  const { rollovers } = await listRollovers(app, { fleet: name, limit: 10 });
  return rollovers.find((one) => one.kind === kind && one.state !== "rolledBack");
};

const gatesOf = async (id: string) => (await view(app, id)).next?.gates;

async function nextTrustSigner(): Promise<void> {
  const people = await approved(app, { critical: "authorityUse", what: "trustSigner" });
  await openCeremony(app, { ...people, purpose: "trustSigner" });
  await settle(app);
}

describe("RFC 9810 §4.4: a root is replaced", () => {
  it("its issuing authority follows by itself, then the old root retires, and its key goes", async () => {
    const root = await bringTo(fleet, "root", "active");
    expect(await authorities(app)).toMatchObject({
      "root-1": "draining",
      "root-2": "active",
      "issuing-1": "active",
    });
    const issuing = await open("issuing");
    expect(issuing).toMatchObject({
      state: "planned",
      createdBy: "system",
      from: "issuing-1",
      emergency: false,
    });
    const id = issuing?.rolloverId ?? "";
    await onwards(fleet, id, "active");
    expect(await issuer(app)).toBe("issuing-2");
    const stored = (await getFleet(app, name)).authorities.find(
      ({ record }) => record.authorityId === "issuing-2",
    );
    expect(stored?.record.parentId).toBe("root-2");
    await onwards(fleet, id, "draining");
    fleet.advance(8 * day);
    await settle(app);
    expect(await view(app, root)).toMatchObject({ state: "draining" });
    // The old issuing authority, and the signer of trust manifests that the old root certified.
    expect(await gatesOf(root)).toEqual([{ gate: "children", holds: false, have: 2, want: 0 }]);
    await nextTrustSigner();
    expect(await gatesOf(root)).toMatchObject([{ have: 1 }]);
    await onwards(fleet, id, "retired");
    await settle(app);
    expect(await view(app, root)).toMatchObject({ state: "retired" });
    await advance(app, root, "destroyed");
    await settle(app);
    expect(await view(app, root)).toMatchObject({ state: "destroyed" });
    expect(await authorities(app)).toEqual({
      "root-1": "destroyed",
      "root-2": "active",
      "issuing-1": "retired",
      "issuing-2": "active",
    });
  });

  it("is taken back while nothing stands below the new root, and not afterwards", async () => {
    const early = await fleet.copy();
    const first = await bringTo(early, "root", "active");
    expect(await rollBack(early.app, first)).toMatchObject({ state: "rolledBack" });
    await settle(early.app);
    expect(await authorities(early.app)).toMatchObject({ "root-1": "active", "root-2": "retired" });
    const root = await bringTo(fleet, "root", "active");
    const id = (await open("issuing"))?.rolloverId ?? "";
    await ceremony(app, id);
    await settle(app);
    expect((await view(app, root)).mayRollBack).toBe(false);
    expect(await codeOf(rollBack(app, root))).toBe("rollover_state_invalid");
    await rollBack(app, id);
    expect(await rollBack(app, root)).toMatchObject({ state: "rolledBack" });
  });
});

describe("an emergency", () => {
  it("of an issuing authority: no day is waited for, devices renew, people retire it, its certificate is revoked", async () => {
    const { rolloverId: id } = await plan(app, "issuing", { emergency: true });
    await ceremony(app, id);
    await settle(app);
    expect(await view(app, id)).toMatchObject({ state: "draining", emergency: true });
    const { windows } = await listRenewalWindows(app, { fleet: name });
    expect(windows).toMatchObject([
      { authorityId: "issuing-1", reason: "keyCompromise", createdBy: "system" },
    ]);
    expect(await codeOf(advance(app, id, "active"))).toBe("rollover_state_invalid");
    await advance(app, id, "retired");
    await settle(app);
    expect(await authorities(app)).toMatchObject({ "issuing-1": "retired", "issuing-2": "active" });
    const old = (await getFleet(app, name)).authorities.find(
      ({ record }) => record.authorityId === "issuing-1",
    );
    const serial = serialNumberHex(old?.certificate.tbs.serialNumber ?? new Uint8Array());
    expect((await findCertificate(app, name, serial))?.value).toMatchObject({
      state: "revoked",
      revocationReason: "cACompromise",
    });
    expect(
      fleet.notices
        .filter(({ event }) => event.startsWith("rollover."))
        .every(({ severity }) => severity === "critical"),
    ).toBe(true);
  });

  it("of a root: the issuing authority follows as urgently, and the root goes only when it signs no more below", async () => {
    const { rolloverId: root } = await plan(app, "root", { emergency: true });
    await ceremony(app, root);
    await settle(app);
    const issuing = await open("issuing");
    expect(issuing).toMatchObject({ emergency: true, createdBy: "system" });
    expect(await codeOf(advance(app, root, "retired"))).toBe("rollover_gate_closed");
    await ceremony(app, issuing?.rolloverId ?? "");
    await settle(app);
    await nextTrustSigner();
    await advance(app, root, "retired");
    await settle(app);
    expect(await authorities(app)).toMatchObject({
      "root-1": "retired",
      "root-2": "active",
      "issuing-2": "active",
    });
  });
});
