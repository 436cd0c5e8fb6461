/** Room: test. Three processes publish from one database and one directory of objects, and are killed again and again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { ListApp } from "../../core/revocation/list.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { openDirectory } from "../distribution/fixtures/directory.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { actor, fleet, listAt, origin, pointerOf, serialsOf } from "./publishing-fleet.ts";

const script = join(import.meta.dirname, "fixtures/publishing-process.ts");
const devices = 24;
const processes = 3;

async function startPublisher(directory: string): Promise<ChildProcess> {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") };
  const child = spawn(process.execPath, [script, directory], { env, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  expect((await gone)[1]).toBe("SIGKILL");
}

async function enrolled(app: ListApp, index: number) {
  const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId: `pump-${index}` });
  return await enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
}

/** Children are killed before the files they hold are removed, whatever becomes of the test. */
async function inDirectory(work: (directory: string, children: ChildProcess[]) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const children: ChildProcess[] = [];
  try {
    await work(directory, children);
  } finally {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) await kill(child);
    await rm(directory, { recursive: true, force: true });
  }
}

it("what a reader sees is whole at all times, never older than before, and has all in the end", async () => {
  await inDirectory(async (directory, children) => {
    const { app, close } = await openDirectory(directory);
    const plan = {
      fleet,
      trustDomain: "example.test",
      rootAlgorithm: "P-256",
      issuingAlgorithm: "P-256",
    } as const;
    await deployFleet(app, { plan, fleets: [fleet], origin });
    const all = [];
    for (let index = 0; index < devices; index += 1) all.push(await enrolled(app, index));
    const url = pointerOf(all[0]?.certificate ?? "");
    const { authorities } = await getFleet(app, fleet);
    const issuer = authorities.find(({ record }) => record.kind === "issuing");
    if (issuer === undefined) throw new Error("no authority");
    await publishRevocations(app);
    for (let index = 0; index < processes; index += 1) children.push(await startPublisher(directory));
    let last = await listAt(app, url, issuer);
    for (const [index, { serialNumber }] of all.entries()) {
      await revoke(
        { ...app, tasks: { start: () => Promise.resolve() } },
        { fleet, actor, serialNumber, reason: "keyCompromise" },
      );
      if (index % 3 === 2) {
        const child = children.shift();
        if (child !== undefined) await kill(child);
        children.push(await startPublisher(directory));
      }
      const list = await listAt(app, url, issuer);
      expect(list?.number).toBeGreaterThanOrEqual(last?.number ?? 0);
      expect(serialsOf(list)).toEqual(expect.arrayContaining([...serialsOf(last)]));
      last = list;
    }
    for (const child of children.splice(0)) await kill(child);
    expect(await publishRevocations(app)).toMatchObject({ failed: 0, pending: 0 });
    const list = await listAt(app, url, issuer);
    expect([...serialsOf(list)].sort()).toEqual(all.map(({ serialNumber }) => serialNumber).sort());
    expect(list?.number).toBeGreaterThan(3);
    await close();
  });
}, 240_000);
