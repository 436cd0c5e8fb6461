/** The inventory and what devices enrol with besides tokens, from the command line against a server over HTTPS. */
import { execFileSync } from "node:child_process";
import { createPublicKey, hash, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { opensslInstalled } from "../support/openssl.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson } from "./person.ts";
import type { RunResult } from "./run-cli.ts";

let server: LocalServer;
const fleetkey = (...argv: string[]) => server.fleetkey(argv);
const placeOf = (...names: string[]): string => join(server.place, ...names);

function written(name: string, content: string): string {
  writeFileSync(placeOf(name), content);
  return placeOf(name);
}

const importCsv = (name: string, content: string, ...more: string[]): Promise<RunResult> =>
  fleetkey("device", "import", "--csv", written(name, content), ...more);

async function configure(accepts: readonly string[]): Promise<void> {
  const file = written("configuration.json", JSON.stringify({ accepts, issuancesPerHour: 1_000 }));
  const asked = await fleetkey("fleet", "configure", "--file", file, "--no-wait");
  await owner.approve(asked.stdout.trim());
  const done = await fleetkey("fleet", "configure", "--file", file, "--approval", asked.stdout.trim());
  expect(done.code).toBe(0);
}

let owner: Awaited<ReturnType<typeof firstPerson>>;
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
});
afterAll(() => server.stop());

const certificateIn = (directory: string): X509Certificate =>
  new X509Certificate(readFileSync(join(directory, "device.crt")));

/** A key made elsewhere: its request in a file, and the digest that the inventory has of it. */
async function keyElsewhere(deviceId: string): Promise<{ readonly csr: string; readonly digest: string }> {
  const { privateKey, csr } = await makeDeviceKey(deviceId, "P-256");
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { csr: written(`${deviceId}.csr`, csr), digest: hash("sha256", spki) };
}

describe("device import", () => {
  const rows = (count: number, lineOf: (index: number) => string): string =>
    `deviceId,profile\n${Array.from({ length: count }, (_, index) => lineOf(index)).join("\n")}\n`;
  const number = (index: number): string => String(index).padStart(4, "0");

  it("registers 1,200 devices, and none of them twice", async () => {
    const csv = rows(1_200, (index) => `import-${number(index)},device`);
    const first = await importCsv("inventory.csv", csv, "--json");
    expect(first.code).toBe(0);
    const nothing = { refused: 0, remaining: 0, refusals: [] };
    expect(JSON.parse(first.stdout)).toEqual({ rows: 1_200, registered: 1_200, unchanged: 0, ...nothing });
    const again = await importCsv("inventory.csv", csv, "--json", "--concurrency", "2");
    expect(JSON.parse(again.stdout)).toEqual({ rows: 1_200, registered: 0, unchanged: 1_200, ...nothing });
    expect((await fleetkey("device", "show", "import-1199")).stdout).toBe("import-1199 is registered\n");
  });

  it("goes on after rows that are refused: each is told by its line, exit 3", async () => {
    const { digest } = await keyElsewhere("import-key");
    const csv = `deviceId,publicKeySha256\nimport-a,${digest}\nimport-b,${digest}\nIMPORT-0001,\nimport-c,\n`;
    const { code, stdout, stderr } = await importCsv("refused.csv", csv, "--concurrency", "1");
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: "2 registered, 0 there before, 2 refused, 0 not tried, of 4\n",
    });
    expect(stderr).toMatch(/^line 3: .+ \[already_exists\]$/m);
    expect(stderr).toMatch(/^line 4: .+ \[already_exists\]$/m);
    const json = JSON.parse((await importCsv("refused.csv", csv, "--json")).stdout);
    expect(json).toMatchObject({ unchanged: 2, refused: 2, refusals: [{ line: 3 }, { line: 4 }] });
  });

  it("RFC 4180: reads a byte order mark, CRLF, quotes, empty lines, columns in any order", async () => {
    const { digest } = await keyElsewhere("import-quoted");
    const colons = digest.toUpperCase().replace(/..(?!$)/g, "$&:");
    const csv = `\ufeffpublicKeySha256,"deviceId"\r\n"${colons}",import-quoted\r\n\r\n,"import-plain"\r\n`;
    expect(await importCsv("quoted.csv", csv)).toMatchObject({
      code: 0,
      stdout: "2 registered, 0 there before, 0 refused, 0 not tried, of 2\n",
    });
    const same = `deviceId,publicKeySha256\nimport-quoted,${digest}\n`;
    expect(await importCsv("same.csv", same)).toMatchObject({
      stdout: expect.stringMatching(/^0 registered, 1 /),
    });
  });

  const good = "import-never-sent";
  it.each([
    { name: "no line", csv: "", says: /line 1: there is no device/ },
    { name: "a header alone", csv: "deviceId\n", says: /there is no device/ },
    { name: "an unknown column", csv: `deviceId,colour\n${good},red\n`, says: /line 1: column 2 is none/ },
    { name: "no column deviceId", csv: `profile\ndevice\n`, says: /line 1: .*no column deviceId/ },
    { name: "a column twice", csv: `deviceId,deviceId\n${good},x\n`, says: /line 1: a column comes twice/ },
    {
      name: "an empty deviceId",
      csv: `deviceId,profile\n${good},\n,device\n`,
      says: /line 3: deviceId is empty/,
    },
    {
      name: "too few cells",
      csv: `deviceId,profile\n${good},\nx\n`,
      says: /line 3: 1 cells, .+ header has 2/,
    },
    { name: "too many cells", csv: `deviceId\n${good}\nx,y\n`, says: /line 3: 2 cells, .+ header has 1/ },
    {
      name: "a manufacturer without serialNumber",
      csv: `deviceId,manufacturer,serialNumber\n${good},,\nx,acme,\n`,
      says: /line 3: manufacturer and serialNumber go together/,
    },
    {
      name: "a digest that is none",
      csv: `deviceId,publicKeySha256\n${good},\nx,abc\n`,
      says: /line 3: publicKeySha256 must be 64/,
    },
    { name: "a deviceId that is a path", csv: `deviceId\n${good}\n../x\n`, says: /line 3: deviceId/ },
    { name: "an unknown profile", csv: `deviceId,profile\n${good},pump\n`, says: /line 2: profile/ },
    { name: "a quote that is never closed", csv: `deviceId\n${good}\n"x\n`, says: /line 3: a quote/ },
    { name: "UTF-16", csv: "\ufffd\ufffdd\0e\0", says: /line 1: column 1 is none/ },
  ])("refuses a file with $name before anything is sent, exit 5", async ({ csv, says }) => {
    const refused = await importCsv("malformed.csv", csv);
    expect(refused).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining("[inventory_malformed]"),
    });
    expect(refused.stderr).toMatch(says);
    expect(refused.stderr).toContain("names columns: deviceId");
    expect((await fleetkey("device", "show", good)).stderr).toContain("[not_found]");
  });

  it("tells a missing file, and an operator who is none", async () => {
    expect(await fleetkey("device", "import", "--csv", placeOf("none.csv"))).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[file_missing]"),
    });
    const csv = rows(1, () => "import-x,device");
    expect(await importCsv("unreachable.csv", csv, "--fleet", "elsewhere")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/0 registered, .+ of 1; run it again.+\[not_found\]/s),
    });
  });
});

describe("a device without a token", () => {
  const enroll = (deviceId: string, ...more: string[]): Promise<RunResult> =>
    fleetkey("device", "enroll", "--device", deviceId, "--out", placeOf(deviceId), ...more);

  it("is told what the fleet would take, while it takes tokens alone", async () => {
    expect(await enroll("bare-1")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /\[credential_missing\]\n.+--token-file.+--cert and --key.+registered key/,
      ),
    });
    expect(await enroll("bare-1", "--cert", "x.pem")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--cert FILE and --key FILE go together"),
    });
  });

  describe("with a registered key", () => {
    it("enrols by its request, once it is in the inventory", async () => {
      await configure(["key"]);
      const { csr, digest } = await keyElsewhere("key-1");
      expect(await enroll("key-1", "--csr", csr)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[device_unknown\]\n.+device import/),
      });
      expect((await importCsv("keys.csv", `deviceId,publicKeySha256\nkey-1,${digest}\n`)).code).toBe(0);
      const enrolled = await enroll("key-1", "--csr", csr, "--json");
      expect(enrolled.code).toBe(0);
      expect(certificateIn(placeOf("key-1")).subject).toBe("CN=key-1");
      const again = await enroll("key-1", "--csr", csr, "--json");
      expect(JSON.parse(again.stdout)).toEqual(JSON.parse(enrolled.stdout));
    });

    it.skipIf(!opensslInstalled)(
      "enrols with what OpenSSL, where installed, makes by docs/cli.md's recipe",
      async () => {
        const page = readFileSync("docs/cli.md", "utf8");
        const [recipe = ""] = /^printf 'deviceId,publicKeySha256.*?^done$/ms.exec(page) ?? [];
        expect(recipe).toContain("openssl req -new");
        execFileSync("sh", ["-e", "-c", recipe], { cwd: server.place, stdio: "ignore" });
        expect((await fleetkey("device", "import", "--csv", placeOf("keys.csv"))).code).toBe(0);
        for (const id of ["pump-0001", "pump-0002"])
          expect((await enroll(id, "--csr", placeOf(`${id}.csr`))).code).toBe(0);
      },
    );

    it("is that device and no other", async () => {
      const { csr, digest } = await keyElsewhere("key-2");
      await importCsv("keys.csv", `deviceId,publicKeySha256\nkey-2,${digest}\nkey-3,\n`);
      const other = await enroll("key-3", "--csr", csr);
      expect(other).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("[csr_subject_mismatch]"),
      });
    });
  });

  describe("with its batch's claim", () => {
    const claim = () => ["--cert", placeOf("batch-1", "claim.crt"), "--key", placeOf("batch-1", "claim.key")];

    it("enrols: claim create, device import, device enroll", async () => {
      await configure(["claim"]);
      const create = ["claim", "create", "batch-1", "--quota", "2", "--out", placeOf("batch-1")] as const;
      expect(await fleetkey(...create)).toMatchObject({ code: 0, stdout: `${placeOf("batch-1")}\n` });
      expect((await fleetkey(...create)).code).toBe(0);
      await importCsv("batch.csv", "deviceId\nclaimed-1\nclaimed-2\nclaimed-3\n");
      expect((await enroll("claimed-1", ...claim())).code).toBe(0);
      expect(certificateIn(placeOf("claimed-1")).subject).toBe("CN=claimed-1");
      expect((await enroll("claimed-1", ...claim())).code).toBe(0);
      expect((await fleetkey("claim", "show", "batch-1")).stdout).toMatch(/^batch-1 is active: 1 of 2 used/);
    });

    it("is one of the inventory and of the quota", async () => {
      expect(await enroll("stranger-1", ...claim())).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[device_unknown\]\n.+device import/),
      });
      expect((await enroll("claimed-2", ...claim())).code).toBe(0);
      expect(await enroll("claimed-3", ...claim())).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[quota_exhausted\]\n.+claim create/),
      });
    });

    it("renews by itself afterwards", async () => {
      expect((await fleetkey("device", "renew", "--dir", placeOf("claimed-1"))).code).toBe(0);
    });

    it("does not enrol with an operator's certificate", async () => {
      const { dataDir } = server;
      const own = (file: string) => join(dataDir, "bootstrap", file);
      expect(
        await enroll("claimed-3", "--cert", own("operator.pem"), "--key", own("operator.key")),
      ).toMatchObject({ code: 1, stderr: expect.stringContaining("[credential_invalid]") });
    });
  });

  describe("and without anything", () => {
    const requestOf = async (deviceId: string): Promise<string> => {
      const { requests } = JSON.parse((await fleetkey("request", "list", "--json")).stdout) as {
        requests: { requestId: string; deviceId: string; state: string }[];
      };
      return requests.find((each) => each.deviceId === deviceId && each.state === "pending")?.requestId ?? "";
    };

    it("waits for an operator with exit 6, and the same command goes on once it is approved", async () => {
      await configure(["manual"]);
      expect((await fleetkey("request", "list")).stderr).toBe("no requests\n");
      const asked = await enroll("manual-1");
      const id = await requestOf("manual-1");
      expect(asked).toMatchObject({
        code: 6,
        stdout: "",
        stderr: expect.stringMatching(new RegExp(`\\[enrollment_pending\\]\\n.+request approve ${id}`)),
      });
      expect(JSON.parse((await enroll("manual-1", "--json")).stdout)).toMatchObject({
        error: { code: "enrollment_pending", exitCode: 6 },
      });
      expect((await fleetkey("request", "list")).stdout).toMatch(
        new RegExp(`${id} +pending +manual-1 +P-256 `),
      );
      expect(await fleetkey("request", "approve", id)).toMatchObject({
        code: 0,
        stdout: "request of manual-1 is approved\n",
      });
      expect((await enroll("manual-1")).code).toBe(0);
      expect(certificateIn(placeOf("manual-1")).subject).toBe("CN=manual-1");
      expect((await enroll("manual-1")).code).toBe(0);
    });

    it("is told of a denial, and asks with a new key when it is run again", async () => {
      expect((await enroll("manual-2")).code).toBe(6);
      const id = await requestOf("manual-2");
      expect(await fleetkey("request", "deny", id)).toMatchObject({
        code: 0,
        stdout: "request of manual-2 is denied\n",
      });
      expect(await enroll("manual-2")).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[enrollment_denied\]\n.+new key/),
      });
      expect((await enroll("manual-2")).code).toBe(6);
      expect(await requestOf("manual-2")).not.toBe(id);
    });
  });
});

describe("a device's state", () => {
  const device = (verb: string, id = "state-1"): Promise<RunResult> => fleetkey("device", verb, id);
  const renew = () => fleetkey("device", "renew", "--dir", placeOf("state-1"));

  it("is registered, then active; suspended it gets in nowhere until it is released", async () => {
    await configure(["token"]);
    await importCsv("state.csv", "deviceId\nstate-1\n");
    expect((await device("show")).stdout).toBe("state-1 is registered\n");
    const token = (await fleetkey("token", "create", "--device", "state-1")).stdout.trim();
    const out = placeOf("state-1");
    await fleetkey("device", "enroll", "--device", "state-1", `--token=${token}`, "--out", out);
    const serial = certificateIn(out).serialNumber.toLowerCase();
    expect((await device("show")).stdout).toMatch(`state-1 is active\nserial ${serial}, until `);
    expect(await device("suspend")).toMatchObject({ code: 0, stdout: "state-1 is suspended\n" });
    expect(await renew()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[device_not_active\]\n.+device release/),
    });
    expect(await device("release")).toMatchObject({ code: 0, stdout: "state-1 is active\n" });
    expect((await renew()).code).toBe(0);
  });

  it("is retired for good", async () => {
    expect(await device("retire")).toMatchObject({ code: 0, stdout: "state-1 is retired\n" });
    expect(await device("release")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[device_not_active]"),
    });
  });

  it("of a device that there is not is not changed", async () => {
    for (const verb of ["show", "suspend", "release", "retire"])
      expect(await device(verb, "state-none")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("[not_found]"),
      });
    expect((await device("show", "../x")).code).toBe(2);
  });
});
