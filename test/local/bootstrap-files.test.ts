/** Room: test. The first operator's credential: whatever a crash, a race or a restore left, the next start mends. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findOperator } from "../../core/access/operator.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { operatorItem } from "../../core/records/operator-record.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { firstOperatorId, writeBootstrapFiles } from "../../local/bootstrap-files.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
let dataDir: string;
beforeEach(async () => {
  opened = await openFleetApp();
  dataDir = await mkdtemp(join(tmpdir(), "fleetkey-bootstrap-"));
});
afterEach(async () => {
  await opened.close();
  await rm(dataDir, { recursive: true, force: true });
});

const start = () => writeBootstrapFiles(opened.app, fleet, dataDir);

async function pair() {
  const read = (file: string) => readFile(join(dataDir, "bootstrap", file), "utf8");
  const certificate = new X509Certificate(await read("operator.pem"));
  const matches = certificate.checkPrivateKey(createPrivateKey(await read("operator.key")));
  return { serialNumber: certificate.serialNumber.toLowerCase(), matches };
}

describe("the first operator's files", () => {
  it("stay as they are over restarts", async () => {
    await start();
    const first = await pair();
    await start();
    expect(await pair()).toEqual({ ...first, matches: true });
  });

  it("of two first starts at once: one key and its certificate", async () => {
    await Promise.all([start(), start(), start()]);
    expect((await pair()).matches).toBe(true);
  });

  it("a key that does not belong to the certificate: the next start certifies it", async () => {
    const files = await start();
    const first = await pair();
    const other = await mkdtemp(join(tmpdir(), "fleetkey-bootstrap-"));
    const stranger = await writeBootstrapFiles(opened.app, fleet, other);
    await writeFile(files.operatorKey, await readFile(stranger.operatorKey));
    await rm(other, { recursive: true });
    await start();
    const second = await pair();
    expect(second.matches).toBe(true);
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it("a request that was closed unfinished: the next start makes a new key", async () => {
    const keys = faultyKeys(opened.app.keys);
    const broken = { ...opened.app, keys };
    keys.fault = "unavailable";
    expect(await codeOf(writeBootstrapFiles(broken, fleet, dataDir))).toBe("key_service_unavailable");
    opened.clock.advance(86_400_000 + leaseMilliseconds);
    expect(await reconcile(broken)).toMatchObject({ closed: 1 });
    await start();
    expect((await pair()).matches).toBe(true);
  });

  it.each([
    { name: "on record, and not yet in its file", lost: 2 },
    { name: "intended, and not yet signed", lost: 1 },
  ])("a certificate that is $name: the next start writes that one", async ({ lost }) => {
    let transactions = 0;
    const items = faultyStore(opened.app.items, () => {
      transactions += 1;
      return transactions === lost ? "committedThenUnavailable" : "none";
    });
    expect(await codeOf(writeBootstrapFiles({ ...opened.app, items }, fleet, dataDir))).toBe(
      "store_unavailable",
    );
    opened.clock.advance(leaseMilliseconds);
    await start();
    const { serialNumber, matches } = await pair();
    expect(matches).toBe(true);
    const { certificates } = await listCertificates(opened.app, { fleet, limit: 10 });
    const operators = certificates.filter(({ profile }) => profile === "operator");
    expect(operators.map((each) => each.serialNumber)).toEqual([serialNumber]);
  });

  it("are renewed with a new key when two thirds of their time are over", async () => {
    await start();
    const first = await pair();
    opened.clock.advance(61 * 86_400_000);
    await start();
    const second = await pair();
    expect(second.matches).toBe(true);
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it("a revoked credential is not replaced unseen", async () => {
    await start();
    const first = await pair();
    await revoke(opened.app, {
      fleet,
      serialNumber: first.serialNumber,
      actor: "operator:x",
      reason: "keyCompromise",
    });
    await start();
    expect((await pair()).serialNumber).toBe(first.serialNumber);
    expect(opened.log).toContainEqual(expect.objectContaining({ event: "operator_revoked" }));
  });

  it("a revoked credential is not replaced when it has expired too", async () => {
    await start();
    const first = await pair();
    await revoke(opened.app, {
      fleet,
      serialNumber: first.serialNumber,
      actor: "operator:x",
      reason: "keyCompromise",
    });
    opened.clock.advance(91 * 86_400_000);
    await start();
    expect((await pair()).serialNumber).toBe(first.serialNumber);
  });

  it.each([
    { name: "due", lost: false },
    { name: "lost", lost: true },
  ])("of an operator whom the owners have suspended are not made anew when $name", async ({ lost }) => {
    const files = await start();
    const record = (await findOperator(opened.app, fleet, firstOperatorId)) ?? expect.fail("no operator");
    const put = operatorItem({ ...record.value, state: "suspended" });
    await opened.app.items.transact([{ put, when: record.version }]);
    if (lost) await rm(files.operatorCertificate);
    else opened.clock.advance(61 * 86_400_000);
    const before = await listCertificates(opened.app, { fleet, limit: 10 });
    await start();
    expect(opened.log).toContainEqual(expect.objectContaining({ event: "operator_suspended" }));
    expect(await listCertificates(opened.app, { fleet, limit: 10 })).toEqual(before);
    // Reinstated, it has its credential with the next start.
    const reinstated = operatorItem({ ...record.value, state: "active" });
    await opened.app.items.transact([{ put: reinstated, when: record.version + 1 }]);
    await start();
    expect((await pair()).matches).toBe(true);
  });

  it.each([
    { name: "torn", content: "-----BEGIN PRIVATE KEY-----\nAAAA" },
    { name: "empty", content: "" },
  ])("a $name key file is replaced with a new key and its certificate", async ({ content }) => {
    const files = await start();
    await writeFile(files.operatorKey, content);
    await start();
    expect((await pair()).matches).toBe(true);
  });
});
