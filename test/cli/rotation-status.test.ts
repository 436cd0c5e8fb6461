/** Rotation on one screen: what there is to do about each thing, and text that cannot turn a terminal around. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { remedyFor } from "../../cli/remedies.ts";
import { type RotationTask, taskRemedy } from "../../cli/rotation-tasks.ts";
import type { KeyReport } from "../../lambdas/http/rotation-answers.ts";
import { ceremonyView, keyView, ok, rolloverId, rolloverView } from "./fake-rotation.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";

const openedAt = "2026-01-01T00:00:00Z";
const task = (action: RotationTask["action"], subject: string): RotationTask => ({
  ...{ action, subject, severity: "warning", openedAt },
});

const keys = [
  keyView(),
  keyView({ kind: "root", name: "root-1" }),
  keyView({ kind: "trustManifestSigner", name: "trust-1" }),
  keyView({ kind: "ocspResponder", name: "ocsp-1", condition: "disabled" }),
  keyView({ kind: "keyEncryption", name: "default-protection", onDemandRotations: 21, onDemandLimit: 25 }),
];

describe("what waits for people", () => {
  const planned = rolloverView({ state: "planned" });
  const cases: { action: RotationTask["action"]; subject: string; says: string }[] = [
    { action: "deployKey", subject: "issuing-2", says: "give the stage another generation" },
    {
      action: "openCeremony",
      subject: rolloverId,
      says: `fleetkey ceremony open --purpose rollover --rollover ${rolloverId}`,
    },
    {
      action: "openCeremony",
      subject: "9".repeat(32),
      says: `fleetkey ceremony open --purpose rollover --rollover ${"9".repeat(32)}`,
    },
    { action: "openCeremony", subject: "trust-1", says: "fleetkey ceremony open --purpose trustSigner" },
    { action: "openCeremony", subject: "root-1", says: "fleetkey ceremony open --purpose rootList" },
    { action: "deployGateway", subject: rolloverId, says: "deploy: the gateway" },
    { action: "inspectKey", subject: "ocsp-1", says: "it is disabled" },
    { action: "inspectRotation", subject: "default-protection", says: "rotated 21 of 25 times on demand" },
    { action: "replaceKey", subject: "issuing-1", says: "fleetkey authority rotate issuing-1" },
    { action: "replaceKey", subject: "root-1", says: "fleetkey authority rotate root-1" },
    { action: "replaceKey", subject: "trust-1", says: "fleetkey ceremony open --purpose trustSigner" },
    { action: "replaceKey", subject: "default-protection", says: "fleetkey key rotate default-protection" },
    { action: "replaceKey", subject: "ocsp-1", says: "deploy the responder's next key" },
  ];
  it.each(cases)("$action $subject: $says", ({ action, subject, says }) => {
    expect(taskRemedy(task(action, subject), { keys, rollovers: [planned] })).toContain(says);
  });

  it("destroyKey names the rollover that the authority's end belongs to", () => {
    const retired = rolloverView({ state: "retired", mayRollBack: false });
    const known = { keys, rollovers: [retired] };
    expect(taskRemedy(task("destroyKey", "issuing-1"), known)).toBe(
      `fleetkey key destroy ${rolloverId} --authority issuing-1`,
    );
    expect(taskRemedy(task("destroyKey", "issuing-7"), known)).toBe("fleetkey rotation list");
  });

  it("openCeremony of a root that is offline leads to its machine", () => {
    const offline = rolloverView({ state: "planned", custody: "offline" });
    expect(taskRemedy(task("openCeremony", rolloverId), { keys, rollovers: [offline] })).toBe(
      `fleetkey ceremony request ${rolloverId}`,
    );
  });
});

describe("what waits for people where the root has no network", () => {
  const offline = [
    keyView({ kind: "root", name: "root-2", custody: "offline" }),
    keyView({ kind: "root", name: "root-3", custody: "offline", use: "draining" }),
    keyView({ kind: "root", name: "root-1", use: "draining" }),
    keyView({ kind: "trustManifestSigner", name: "trust-1" }),
  ];
  const rollovers = [
    rolloverView({ state: "planned" }),
    rolloverView({ rolloverId: "7".repeat(32), kind: "root", to: "root-3" }),
  ];
  const request = "fleetkey ceremony request --out request.json (the root is offline: docs/ceremony.md)";
  it.each([
    ["openCeremony", "trust-1", request],
    ["replaceKey", "trust-1", request],
    ["openCeremony", "root-2", request],
    ["openCeremony", "root-3", `fleetkey ceremony request ${"7".repeat(32)} --out`],
    ["openCeremony", "root-1", "fleetkey ceremony open --purpose rootList"],
    ["openCeremony", rolloverId, `fleetkey ceremony request ${rolloverId} --out request.json`],
  ] as const)("%s %s: %s", (action, subject, says) => {
    expect(taskRemedy(task(action, subject), { keys: offline, rollovers })).toContain(says);
  });
});

describe("rotation status", () => {
  let service: FakeService;
  let shown: KeyReport["keys"];
  beforeEach(async () => {
    service = await startFakeService();
    shown = keys;
    service.intercept = ({ path }) => {
      if (path.includes("/rotation-tasks")) return ok({ tasks: [task("inspectKey", "ocsp-1")] });
      if (path.includes("/ceremonies")) return ok({ ceremonies: [ceremonyView({ state: "open" })] });
      if (path.includes("/rollovers"))
        return ok({ rollovers: [rolloverView(), rolloverView({ state: "rolledBack", mayRollBack: false })] });
      if (!path.includes("/key-report")) return undefined;
      const asOf = { reportedAt: openedAt, certificatesAsOf: openedAt };
      return ok({ fleet: "default", ...asOf, keys: shown, certificates: [] });
    };
  });
  afterEach(() => service.close());

  it("says first what to do, then which keys are not ok, then what is under way and its gates", async () => {
    const { code, stdout } = await runCli(["rotation", "status", ...service.flags]);
    expect(code).toBe(0);
    const places = [
      "1 task for people; 5 keys, 1 not ok; 1 rollover under way",
      "TO DO\nwarning: inspectKey ocsp-1\n  look at the key where it is kept: it is disabled",
      "KEYS THAT ARE NOT OK\nKIND",
      "ROLLOVERS UNDER WAY",
      "  next active, when\n    [x] manifest ",
      "    [ ] days      days in this state (2 of 7), by itself at 2026-01-06T00:00:00Z",
      "    [ ] adoption  active devices have acknowledged that manifest (40.5 of 95 %)",
      "CEREMONIES\n",
    ].map((text) => [text, stdout.indexOf(text)] as const);
    for (const [text, at] of places) expect(at, `${text}\nin\n${stdout}`).toBeGreaterThanOrEqual(0);
    expect(places.map(([, at]) => at)).toEqual(places.map(([, at]) => at).toSorted((a, b) => a - b));
    expect(stdout).not.toContain("rolledBack");
    expect(stdout).not.toMatch(/trust-1/);
  });

  it("shows nothing of what is out, and no control character of any name", async () => {
    const name = "ocsp-\u001b[31m1";
    shown = [
      keyView({ name, state: "overdue" }),
      keyView({ name: "issuing-0", use: "out", condition: "disabled" }),
    ];
    const { stdout } = await runCli(["rotation", "status", ...service.flags]);
    expect(stdout).toMatch(/issuing +ocsp-1 +P-256 +used +overdue/);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain("issuing-0");
  });
});

describe("a refusal about keys says what people can do", () => {
  it.each([
    "key_overdue",
    "key_offline",
    "key_disabled",
    "key_rotation_exhausted",
    "rollover_state_invalid",
    "rollover_gate_closed",
    "ceremony_state_invalid",
    "ceremony_invalid",
    "server_certificate_mismatch",
    "certificate_not_held",
    "certificate_manager_refused",
    "certificate_manager_unavailable",
  ])("%s", (code) => {
    expect(remedyFor(code)).toEqual(expect.any(String));
  });
});
