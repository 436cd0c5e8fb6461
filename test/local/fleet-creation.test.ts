/** Room: test. Another fleet beside a running server of another process, and what a server makes of it at its next start. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { openLocalApp, startLocal } from "../../local/app.ts";
import { createLocalFleet, type LocalFleetOptions } from "../../local/fleet-creation.ts";
import { followOrigin } from "../../local/fleet-directory.ts";
import { apiClient } from "../support/api.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type LogLine, recordingLog } from "../support/fleet-app.ts";

const script = join(import.meta.dirname, "fixtures/server.ts");
let dataDir: string;
let server: ChildProcess | undefined;
let url: string;

async function start(): Promise<void> {
  server = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "ignore"] });
  if (server.stdout === null) expect.fail("no output");
  [url] = (await once(createInterface(server.stdout), "line")) as [string];
}

async function stop(): Promise<void> {
  if (server === undefined) return;
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
  server = undefined;
}

const lines: LogLine[] = [];
const log = recordingLog(lines);
const create = (fleet: string, change: Partial<LocalFleetOptions> = {}) =>
  createLocalFleet({ dataDir, fleet, trustDomain: "example.test", rootAlgorithm: "P-256", log, ...change });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "fleetkey-fleets-"));
  await start();
});
afterAll(async () => {
  await stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function operatorOf(directory: string) {
  const read = (file: string) => readFile(join(dataDir, directory, file));
  // The listener shows the first fleet's certificate, whichever fleet is called.
  const [ca, cert, key] = await Promise.all([
    readFile(join(dataDir, "bootstrap", "root.pem")),
    read("operator.pem"),
    read("operator.key"),
  ]);
  return apiClient(url, { ca, cert, key });
}

async function enrol(fleet: string, directory: string, deviceId: string) {
  const api = await operatorOf(directory);
  const base = `/v1/fleets/${fleet}`;
  const created = await api.call(`${base}/enrollment-tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ deviceId }),
  });
  const { token = "none" } = created.json();
  const issued = await api.call(`${base}/certificates`, {
    method: "POST",
    headers: { "content-type": "application/pkcs10", authorization: `Bearer ${String(token)}` },
    body: deviceCsr(deviceKey()),
  });
  api.close();
  return [created.status, issued.status];
}

async function recordOf(fleet: string) {
  const { app, close } = await openLocalApp({ dataDir, log });
  try {
    return (await getFleet(app, fleet)).record;
  } finally {
    await close();
  }
}

describe("a fleet made beside a running server", () => {
  it("is served at once, to its own operator and devices", async () => {
    const made = await create("clinic");
    expect(made.files.operatorKey).toBe(join(dataDir, "fleets", "clinic", "operator.key"));
    expect(await enrol("clinic", "fleets/clinic", "pump-1")).toEqual([201, 201]);
    const api = await operatorOf("fleets/clinic");
    const trust = await api.call("/v1/fleets/clinic/trust.pem");
    api.close();
    expect(trust.body).toBe(await readFile(made.files.root, "utf8"));
  });

  it("EJBCA CVE-2021-40088: its operator is nobody in the first fleet, and the other way round", async () => {
    const theirs = await operatorOf("fleets/clinic");
    const ours = await operatorOf("bootstrap");
    expect((await theirs.call("/v1/fleets/default/certificates")).status).toBe(404);
    expect((await ours.call("/v1/fleets/clinic/certificates")).status).toBe(404);
    expect((await ours.call("/v1/fleets/default/certificates")).status).toBe(200);
    theirs.close();
    ours.close();
  });

  it("keeps its operator's key from others", async () => {
    const directory = join(dataDir, "fleets", "clinic");
    const modes = await Promise.all(
      [directory, join(directory, "operator.key"), join(directory, "operator.pem")].map(async (path) =>
        ((await stat(path)).mode & 0o777).toString(8),
      ),
    );
    expect(modes).toEqual(["700", "600", "600"]);
  });

  it("has the origin of the running server", async () => {
    const { port } = new URL(url);
    expect((await recordOf("clinic")).origin).toBe(`https://localhost:${port}`);
    expect((await recordOf("default")).origin).toBe(`https://localhost:${port}`);
  });

  it("made again is the same, with the same credential", async () => {
    const before = await readFile(join(dataDir, "fleets/clinic/operator.pem"), "utf8");
    const [first, second] = [await create("clinic"), await create("clinic", { issuingAlgorithm: "P-256" })];
    expect(second.rootFingerprint).toBe(first.rootFingerprint);
    expect(await readFile(join(dataDir, "fleets/clinic/operator.pem"), "utf8")).toBe(before);
  });

  it("four at once, two of one name, while devices enrol: three fleets, whole", async () => {
    const load = async () => {
      const statuses: number[] = [];
      for (let index = 0; index < 20; index += 1)
        statuses.push(...(await enrol("default", "bootstrap", `pump-${index}`)));
      return new Set(statuses);
    };
    const names = ["ward-1", "ward-2", "ward-3", "ward-1"];
    const [statuses, ...made] = await Promise.all([load(), ...names.map((fleet) => create(fleet))]);
    expect(statuses).toEqual(new Set([201]));
    expect(new Set(made.map(({ rootFingerprint }) => rootFingerprint)).size).toBe(3);
    for (const fleet of ["ward-1", "ward-2", "ward-3"])
      expect(await enrol(fleet, `fleets/${fleet}`, "pump-1")).toEqual([201, 201]);
  });
});

describe("kill -9 of whoever makes a fleet", () => {
  const creator = join(import.meta.dirname, "fixtures/fleet-creator.ts");

  /** Lives for `milliseconds` of its work. */
  async function makeAndDie(fleet: string, milliseconds: number): Promise<"killed" | "done"> {
    const child = spawn(process.execPath, [creator, dataDir, fleet], { stdio: ["ignore", "pipe", "ignore"] });
    const exited = once(child, "exit") as Promise<[number | null]>;
    if (child.stdout === null) expect.fail("no output");
    await once(createInterface(child.stdout), "line");
    await sleep(milliseconds);
    child.kill("SIGKILL");
    const [code] = await exited;
    return code === null ? "killed" : "done";
  }

  it("at any moment: the next run finishes it, with one root, one issuing authority and one operator", async () => {
    const deaths: string[] = [];
    for (let kill = 0; kill < 6; kill += 1) {
      const fleet = `killed-${kill}`;
      deaths.push(await makeAndDie(fleet, 12 * kill), await makeAndDie(fleet, 17 * kill));
      await create(fleet);
      expect(await enrol(fleet, `fleets/${fleet}`, "pump-1"), fleet).toEqual([201, 201]);
      const api = await operatorOf(`fleets/${fleet}`);
      const { certificates } = (await api.call(`/v1/fleets/${fleet}/certificates`)).json();
      api.close();
      const profiles = (certificates as { profile: string }[]).map(({ profile }) => profile).sort();
      expect(profiles, fleet).toEqual([
        "device",
        "issuing",
        "ocspResponder",
        "operator",
        "root",
        "trustSigner",
      ]);
    }
    expect(deaths).toContain("killed");
  }, 180_000);
});

describe("what is refused before anything is made", () => {
  const cases: readonly (readonly [
    name: string,
    fleet: string,
    change: Partial<LocalFleetOptions>,
    code: string,
  ])[] = [
    ["a name in capitals", "Clinic-9", {}, "name_not_permitted"],
    ["a name with a path in it", "../clinic", {}, "name_not_permitted"],
    ["no name", "", {}, "name_not_permitted"],
    ["45 CFR 164.514(b): a name like a date", "mi-1990-01-01", {}, "name_not_permitted"],
    ["a trust domain with a solidus", "lab", { trustDomain: "example.test/x" }, "name_not_permitted"],
    ["the first fleet's name", "default", {}, "already_exists"],
    ["a fleet that has another trust domain", "clinic", { trustDomain: "other.test" }, "already_exists"],
    ["a fleet whose root has another algorithm", "clinic", { rootAlgorithm: "P-384" }, "already_exists"],
    [
      "a fleet whose issuing authority has another",
      "clinic",
      { issuingAlgorithm: "Ed25519" },
      "already_exists",
    ],
    ["an origin with a path", "lab", { origin: "https://keys.example.test/x" }, "configuration_invalid"],
    ["a wrong passphrase", "lab", { passphrase: "a passphrase that nobody set" }, "key_store_locked"],
  ];
  it.each(cases)("%s", async (_name, fleet, change, code) => {
    const before = await readdir(join(dataDir, "fleets"));
    expect(await codeOf(create(fleet, change))).toBe(code);
    expect(await readdir(join(dataDir, "fleets"))).toEqual(before);
    expect(await codeOf(recordOf("lab"))).toBe("not_found");
  });

  it("a mistyped data directory: it is not made", async () => {
    const mistyped = join(dataDir, "typo");
    expect(await codeOf(create("lab", { dataDir: mistyped }))).toBe("configuration_invalid");
    expect(await readdir(dataDir)).not.toContain("typo");
  });
});

describe("the next start of the server", () => {
  const startHere = () => startLocal({ dataDir, host: "127.0.0.1", port: 0, log });
  beforeAll(stop);

  it("on another port: every fleet follows", async () => {
    const started = await startHere();
    const { port } = new URL(started.url);
    for (const fleet of ["default", "clinic", "ward-1"])
      expect((await recordOf(fleet)).origin).toBe(`https://localhost:${port}`);
    await started.close();
  });

  it("taken away by a second server that is gone again: what runs by the hour takes every fleet back", async () => {
    const started = await startHere();
    const second = await startHere();
    await second.close();
    const origins = () =>
      Promise.all(["default", "clinic", "ward-1"].map(async (fleet) => (await recordOf(fleet)).origin));
    const originAt = (at: string) => Array(3).fill(`https://localhost:${new URL(at).port}`);
    expect(await origins()).toEqual(originAt(second.url));
    const { app, close } = await openLocalApp({ dataDir, log });
    await followOrigin(app, dataDir, originAt(started.url)[0] as string);
    await close();
    expect(await origins()).toEqual(originAt(started.url));
    await started.close();
  });

  it("makes anew what a kill kept a fleet's operator from", async () => {
    await rm(join(dataDir, "fleets/clinic/operator.pem"));
    const started = await startHere();
    ({ url } = started);
    expect(await enrol("clinic", "fleets/clinic", "pump-2")).toEqual([201, 201]);
    await started.close();
  });

  it("one fleet's trouble is told, and is no other's", async () => {
    await mkdir(join(dataDir, "fleets", "ghost"), { mode: 0o700 });
    await chmod(join(dataDir, "fleets", "ward-2"), 0o755);
    lines.length = 0;
    const started = await startHere();
    ({ url } = started);
    const told = lines.filter(({ event }) => event === "fleet_not_tended").map(({ fields }) => fields);
    expect(told).toEqual([
      expect.objectContaining({ fleet: "ghost", code: "not_found" }),
      expect.objectContaining({ fleet: "ward-2", code: "configuration_invalid" }),
    ]);
    expect(await enrol("ward-3", "fleets/ward-3", "pump-3")).toEqual([201, 201]);
    await started.close();
  });

  it("with the first fleet suspended: it starts, so that its owners can end that", async () => {
    const { app, close } = await openLocalApp({ dataDir, log });
    const { record, version } = await getFleet(app, "default");
    await app.items.transact([{ put: fleetItem({ ...record, state: "suspended" }), when: version }]);
    await close();
    const started = await startHere();
    ({ url } = started);
    const api = await operatorOf("bootstrap");
    expect((await api.call("/v1/fleets/default")).json()["state"]).toBe("suspended");
    api.close();
    await started.close();
  });
});
