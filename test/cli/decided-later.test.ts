/** What is asked for now and decided later, against a server over HTTPS: approvals and enrolments. */
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, type Person } from "./person.ts";

const accepts = ["token", "manual"];
let server: LocalServer;
let owner: Person;
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
});
afterAll(() => server.stop());

function file(name: string, content: string): string {
  const path = join(server.place, name);
  writeFileSync(path, content);
  return path;
}

describe("approval request", () => {
  it("is what the command executes later, whatever the order and spacing of its JSON", async () => {
    const asked = file("asked.json", JSON.stringify({ accepts, issuancesPerHour: 40 }));
    const { stdout } = await server.fleetkey(["approval", "request", "configureFleet", "--body", asked]);
    const id = stdout.trim();
    await owner.approve(id);
    const same = file("same.json", JSON.stringify({ issuancesPerHour: 40, accepts }, null, 4));
    const done = await server.fleetkey(["fleet", "configure", "--file", same, "--approval", id]);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(done.stdout)).toMatchObject({ accepts, issuancesPerHour: 40 });
  });

  const refused = [
    { name: "an operation that needs none", argv: ["enroll"], says: /must be one of configureFleet/ },
    { name: "a parameter too few", argv: ["changeOperator"], says: /exactly operatorId/ },
    { name: "a parameter too many", argv: ["setFleetState", "--param", "x=y"], says: /must be left out/ },
  ];
  it.each(refused)("of $name is refused by the service", async ({ argv, says }) => {
    const { code, stderr } = await server.fleetkey(["approval", "request", ...argv, "--body", "-"], {
      stdin: "{}",
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(says) });
  });
});

describe("device enroll --wait", () => {
  const argv = (device: string, seconds: string) =>
    ["device", "enroll", "--device", device, "--out", join(server.place, device), "--wait", seconds] as const;

  async function requestOf(device: string): Promise<string> {
    for (;;) {
      const { stdout } = await server.fleetkey(["request", "list", "--json"]);
      const { requests } = JSON.parse(stdout) as { requests: { requestId: string; deviceId: string }[] };
      const found = requests.find(({ deviceId }) => deviceId === device);
      if (found !== undefined) return found.requestId;
    }
  }

  it("gets the certificate that an operator approves meanwhile", async () => {
    const waiting = server.fleetkey(argv("pump-0001", "3"));
    const { code, stdout } = await server.fleetkey(["request", "approve", await requestOf("pump-0001")]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "request of pump-0001 is approved\n" });
    const enrolled = await waiting;
    expect(enrolled, enrolled.stderr).toMatchObject({ code: 0 });
    const { subject } = new X509Certificate(readFileSync(join(server.place, "pump-0001", "device.crt")));
    expect(subject).toBe("CN=pump-0001");
  });

  it("ends with exit 1 when it is denied meanwhile, and asks with a new key the next time", async () => {
    const waiting = server.fleetkey(argv("pump-0002", "3"));
    const first = await requestOf("pump-0002");
    await server.fleetkey(["request", "deny", first]);
    expect(await waiting).toMatchObject({ code: 1, stderr: expect.stringContaining("[enrollment_denied]") });
    const again = await server.fleetkey(argv("pump-0002", "0"));
    expect(again.code).toBe(6);
    expect(again.stderr).not.toContain(first);
  });
});
