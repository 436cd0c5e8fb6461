/**
 * Room: scripts/rehearsal. The key of the issuing authority is lost: two people replace it, over the deployed API, with a
 * second deployment for the successor's key, a root that signs while it is lent, and devices that follow.
 */
import { rename } from "node:fs/promises";
import type { Rollover, RolloverPlan } from "../../lambdas/http/rotation-answers.ts";
import { type Assembly, deployStacks } from "../deployment/cdk.ts";
import { operatorFiles } from "../deployment/operator.ts";
import { assertEnded } from "../deployment/smoke.ts";
import { stackNames } from "../deployment/stage.ts";
import { bootstrap, tellGateway } from "./bootstrap.ts";
import { expectTask, failForWantOfKey, signWithLentRoot } from "./ceremonies.ts";
import { invite } from "./operator-life.ts";
import { approve, as, type Person, performTogether } from "./person.ts";
import { fleetkey, operatorFlags, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";
import { documentOf, eventually, type Pair, read, runWell } from "./rotation-answers.ts";
import {
  askWhenToRenew,
  authorityNamed,
  enrolAfter,
  enrolBefore,
  expectOnlyFollowers,
  findOnRootsList,
  judgeAuthority,
  namedInManifest,
  renewOnto,
  usesOfKeys,
} from "./succession.ts";

interface Emergency {
  readonly stage: RehearsedStage;
  readonly pair: Pair;
  readonly rolloverId: string;
}

const plan = {
  operation: "planRollover",
  path: "/rollovers",
  body: { kind: "issuing", emergency: true },
} as const;

const shown = ({ stage, pair, rolloverId }: Emergency): Promise<Rollover> =>
  read<Rollover>(stage, pair, `/rollovers/${rolloverId}`);

async function preview(stage: RehearsedStage, pair: Pair): Promise<string> {
  const path = "/rollover-plan?kind=issuing&emergency=true";
  const { from, to, keys, inForce } = await read<RolloverPlan>(stage, pair, path);
  expectThat(from === "issuing-1" && to === "issuing-2", `it is from ${from} to ${to}`);
  const names = keys.map(({ name }) => name).join();
  expectThat(names === `${stage.fleet.fleet}-issuing-2`, `it needs ${names || "no key"}`);
  return `${names}; ${inForce.certificates} certificates of issuing-1 counted`;
}

async function refuseOneAlone(stage: RehearsedStage, [owner]: Pair): Promise<string> {
  const headers = { "fleetkey-approval": await approve(stage, [owner], plan) };
  const { path, body } = plan;
  const { status, code } = await as(stage, owner, { path, body, headers });
  expectThat(code === "approval_incomplete", `answered ${status} ${code ?? ""}`);
  return `${status} ${code}`;
}

async function decide(stage: RehearsedStage, pair: Pair, report: Report): Promise<Emergency> {
  await report.check("the plan names the key that is needed, and counts whom it is about", () =>
    preview(stage, pair),
  );
  await report.check("one of them alone plans nothing", () => refuseOneAlone(stage, pair));
  const { rolloverId } = await report.need("together they plan the emergency", async () => {
    const rollover = documentOf<Rollover>(await performTogether(stage, pair, plan));
    expectThat(rollover.state === "planned" && rollover.emergency, `it is ${rollover.state}`);
    return rollover;
  });
  return { stage, pair, rolloverId };
}

/** From the key that is missing to the authority that is trusted. */
async function certify(emergency: Emergency, successor: Assembly, report: Report): Promise<void> {
  const { stage, pair, rolloverId } = emergency;
  await report.check("a ceremony before its key is deployed fails, the root is back, people are told", () =>
    failForWantOfKey(stage, pair, rolloverId),
  );
  await report.need("a second deployment makes the key", async () => {
    const { state, api } = stackNames(stage.stage);
    await deployStacks(successor, [state, api], { env: stage.emulator.env, isShown: false });
  });
  await report.need("a ceremony of both: the root is lent, signs, and is back", () =>
    signWithLentRoot(stage, pair, { purpose: "rollover", rolloverId }),
  );
  await report.check("OpenSSL verifies the successor's certificate with the fleet's root", async () =>
    judgeAuthority(stage, await authorityNamed(stage, pair, "issuing-2")),
  );
  await report.need("a trust manifest that names it is published", async () => {
    const look = () => namedInManifest(stage);
    const names = await eventually(stage, "publication", look, (ids) => ids.includes("issuing-2"));
    return names.join(", ");
  });
}

/** Until the gateway lets its clients in, it issues nothing. */
async function activate(emergency: Emergency, report: Report): Promise<void> {
  const { stage, pair, rolloverId } = emergency;
  await report.check(
    "it waits for the gateway, which knows issuing-1 alone, and people are told",
    async () => {
      const look = () => shown(emergency);
      const found = await eventually(
        stage,
        "rollover",
        look,
        ({ trustVersion }) => trustVersion !== undefined,
      );
      const closed = found.next?.gates.filter(({ holds }) => !holds).map(({ gate }) => gate) ?? [];
      expectThat(found.state === "published", `it is ${found.state}`);
      expectThat(closed.join() === "gateway", `it waits for ${closed.join() || "nothing"}`);
      return expectTask(stage, pair, `deployGateway ${rolloverId}`);
    },
  );
  await report.need("the gateway is confirmed, and the task has issuing-2 issue", async () => {
    await tellGateway(stage);
    const look = () => shown(emergency);
    const { activatedAt } = await eventually(stage, "rollover", look, ({ state }) => state === "draining");
    return activatedAt;
  });
}

async function follow({ stage, pair }: Emergency, report: Report): Promise<void> {
  const before = await authorityNamed(stage, pair, "issuing-1");
  const after = await authorityNamed(stage, pair, "issuing-2");
  await report.check("a new device's certificate is of issuing-2, and OpenSSL verifies it", () =>
    enrolAfter(stage, after),
  );
  await report.check("a device of issuing-1 is asked to renew within a day (RFC 9773)", () =>
    askWhenToRenew(stage),
  );
  await report.check("it renews onto issuing-2, and OpenSSL verifies both its chains", () =>
    renewOnto(stage, before, after),
  );
  await report.check("the key report says which key is used, and how KMS has each", async () => {
    const found = (await usesOfKeys(stage, pair)).filter((use) => /^(?:root|issuing)-/.test(use));
    const wanted = "root-1 used ok, issuing-1 draining ended, issuing-2 used ok";
    expectThat(found.join(", ") === wanted, found.join(", "));
    return wanted;
  });
}

/** As docs/rotation.md has it: the operator's old files are moved away, and the deployment is run again. */
async function certifyOperatorAnew(stage: RehearsedStage): Promise<string> {
  const list = () => fleetkey(stage, ["cert", "list", "--limit", "1", ...operatorFlags(stage)]);
  const refused = await list();
  expectThat(refused.stderr.includes("client_certificate_untrusted"), `${refused.code}: ${refused.stderr}`);
  const { key, request, certificate } = operatorFiles(stage.operatorDirectory);
  for (const file of [key, request, certificate]) await rename(file, `${file}.before`);
  await bootstrap(stage);
  assertEnded(await list(), "cert list", "see emulator.log with --keep");
  return "client_certificate_untrusted, then well";
}

async function retire(emergency: Emergency, report: Report): Promise<void> {
  const { stage, pair, rolloverId } = emergency;
  await report.need("both retire issuing-1, with certificates of it in force", async () => {
    const { state } = documentOf<Rollover>(
      await performTogether(stage, pair, {
        operation: "advanceRollover",
        parameters: { rolloverId },
        path: `/rollovers/${rolloverId}/advance`,
        body: { to: "retired" },
      }),
    );
    expectThat(state === "retired", `it is ${state}`);
  });
  await report.check("its devices are refused, those that have followed are not", () =>
    expectOnlyFollowers(stage),
  );
  await report.check("so is the deployment's operator, until it has another key certified", () =>
    certifyOperatorAnew(stage),
  );
  await report.check("the root's list is behind, and another ceremony signs it", async () => {
    await expectTask(stage, pair, "openCeremony root-1");
    return signWithLentRoot(stage, pair, { purpose: "rootList" });
  });
  await report.check("OpenSSL finds issuing-1 in it: revoked, its key compromised", async () =>
    findOnRootsList(stage, await authorityNamed(stage, pair, "issuing-1")),
  );
  await report.check("the rotation has nothing left to do, and fails at nothing", () =>
    runWell(stage, "rollover"),
  );
}

/**
 * After it issuing-1's certificates open nothing, operators' either.
 * @param successor The stacks with a second issuing key.
 */
export async function rehearseEmergencyRollover(
  stage: RehearsedStage,
  owner: Person,
  successor: Assembly,
  report: Report,
): Promise<void> {
  await report.need("two devices enrol, and the gateway's trust store is confirmed", async () => {
    await enrolBefore(stage);
    await tellGateway(stage);
  });
  const officer = await report.need("a security officer joins: two people decide from now on", () =>
    invite(stage, owner, "operator-3", "securityOfficer"),
  );
  const emergency = await decide(stage, [owner, officer], report);
  await certify(emergency, successor, report);
  await activate(emergency, report);
  await follow(emergency, report);
  await retire(emergency, report);
}
