/** Room: test. kill -9 of the whole server under load: what was answered is there, what was asked can be asked again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, apiClient } from "../support/api.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";

const script = join(import.meta.dirname, "fixtures/server.ts");
const kills = 6;
const perRound = 60;

interface Enrolment {
  readonly token: string;
  readonly csr: Buffer;
  /** Serial number of each answer, in order. */
  readonly answers: string[];
}

let dataDir: string;
let server: ChildProcess;
let api: Api;

async function start(): Promise<void> {
  server = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "ignore"] });
  if (server.stdout === null) expect.fail("no output");
  const [url] = (await once(createInterface(server.stdout), "line")) as [string];
  const read = (file: string) => readFile(join(dataDir, "bootstrap", file));
  const [ca, cert, key] = await Promise.all([read("root.pem"), read("operator.pem"), read("operator.key")]);
  api = apiClient(url, { ca, cert, key });
}

async function kill(): Promise<void> {
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
  api.close();
}

async function newEnrolment(deviceId: string): Promise<Enrolment> {
  const answer = await api.call("/v1/fleets/default/enrollment-tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ deviceId }),
  });
  expect(answer.status, answer.body).toBe(201);
  return { token: String(answer.json()["token"]), csr: deviceCsr(deviceKey()), answers: [] };
}

async function enrol({ token, csr, answers }: Enrolment): Promise<void> {
  const answer = await api.call("/v1/fleets/default/certificates", {
    method: "POST",
    headers: { "content-type": "application/pkcs10", authorization: `Bearer ${token}` },
    body: csr,
  });
  expect(answer.status, answer.body).toBe(201);
  answers.push(String(answer.json()["serialNumber"]));
}

async function listAll(): Promise<string[]> {
  const serials: string[] = [];
  let cursor = "";
  do {
    const answer = await api.call(`/v1/fleets/default/certificates?limit=100${cursor}`);
    const page = answer.json() as {
      certificates: { serialNumber: string; subjectKind: string }[];
      cursor?: string;
    };
    const devices = page.certificates.filter(({ subjectKind }) => subjectKind === "device");
    serials.push(...devices.map(({ serialNumber }) => serialNumber));
    cursor = page.cursor === undefined ? "" : `&cursor=${page.cursor}`;
  } while (cursor !== "");
  return serials;
}

describe("kill -9 of the server while devices enrol", () => {
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "fleetkey-kill-"));
    await start();
  });
  afterAll(async () => {
    await kill();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("loses no answer, issues nothing twice, and lets every device finish", async () => {
    const all: Enrolment[] = [];
    let interrupted = 0;
    for (let round = 0; round < kills; round += 1) {
      const devices = Array.from({ length: perRound }, (_, index) => `pump-${round}-${index}`);
      const fresh = await Promise.all(devices.map(newEnrolment));
      // New devices first, and behind them whoever an earlier kill left without an answer.
      const waiting = all.filter(({ answers }) => answers.length === 0);
      all.push(...fresh);
      const running = Promise.allSettled([...fresh, ...waiting].map(enrol));
      await sleep(10 + round * 12);
      await kill();
      interrupted += (await running).filter(({ status }) => status === "rejected").length;
      await start();
    }
    expect(interrupted).toBeGreaterThan(0);
    // Whoever had an answer asks again too, and must get the same.
    await Promise.all(all.map(enrol));
    for (const { answers } of all) expect(new Set(answers).size).toBe(1);
    const answered = all.map(({ answers }) => answers[0] ?? "");
    expect(new Set(answered).size).toBe(kills * perRound);
    expect((await listAll()).sort()).toEqual([...answered].sort());
  }, 180_000);
});

/** What a first start leaves, in this order. */
const marks = [
  "keys",
  "master.key",
  "keys/keystore.json",
  "fleetkey.sqlite",
  "keys/key.default-root-1.json",
  "keys/key.default-issuing-1.json",
  "bootstrap/root.pem",
  "bootstrap/operator.key",
  "bootstrap/operator.pem",
] as const;

const isThere = (mark: string): boolean => existsSync(join(dataDir, mark));

/** Starts a server and kills it as soon as `mark` is there; true when that was before it said it was ready. */
async function killAt(mark: string): Promise<boolean> {
  const first = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "ignore"] });
  const gone = once(first, "exit");
  let ready = false;
  first.stdout.once("data", () => {
    ready = true;
  });
  while (!isThere(mark) && !ready && first.exitCode === null) await sleep(1);
  first.kill("SIGKILL");
  const [code] = await gone;
  expect(code, `the start ended by itself before ${mark}`).toBeNull();
  return !ready;
}

/** Kills first starts in one new directory, each further on than the one before; returns where they were hit. */
async function killAllTheWay(): Promise<readonly string[]> {
  const hit: string[] = [];
  for (;;) {
    const next = marks.find((mark) => !isThere(mark));
    if (next === undefined) return hit;
    const early = await killAt(next);
    if (!early && !isThere(next)) expect.fail(`the server is ready and has not made ${next}`);
    // A slow poll finds the start further on than where it aimed.
    const reached = marks.findLast(isThere);
    if (early && reached !== undefined) hit.push(reached);
  }
}

async function expectOneOfEach(): Promise<void> {
  const page = await api.call("/v1/fleets/default/certificates?limit=100");
  expect(page.status, page.body).toBe(200);
  const { certificates } = page.json() as { certificates: { profile: string }[] };
  for (const profile of ["root", "issuing", "operator"]) {
    expect(
      certificates.filter((each) => each.profile === profile),
      profile,
    ).toHaveLength(1);
  }
}

describe("kill -9 during the first start", () => {
  it("leaves a directory from which the next start makes one fleet with one root and one operator", async () => {
    const stages = new Set<string>();
    // One directory shows nearly all stages; on a machine that stalls, another one shows those that it missed.
    // A start that finds a lease of a killed one waits for its end, up to ten seconds.
    for (let round = 0; round < 5 && stages.size < 5; round += 1) {
      dataDir = await mkdtemp(join(tmpdir(), "fleetkey-first-start-"));
      for (const stage of await killAllTheWay()) stages.add(stage);
      await start();
      await expectOneOfEach();
      await kill();
      await rm(dataDir, { recursive: true, force: true });
    }
    // Without the last mark the operator has no certificate: those starts were hit in the middle.
    stages.delete("bootstrap/operator.pem");
    expect(stages.size, [...stages].join(", ")).toBeGreaterThanOrEqual(4);
  }, 240_000);
});
