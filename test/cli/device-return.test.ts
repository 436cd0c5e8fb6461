import { createPublicKey, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
let directory: string;
beforeEach(async () => {
  service = await startFakeService();
  directory = temporaryDirectory();
});
afterEach(() => service.close());

const enroll = (...more: string[]) =>
  runCli([
    ...["device", "enroll", "--device", "d-1", "--out", directory, `--token=${service.addToken("d-1")}`],
    ...service.flags,
    ...more,
  ]);
const comeBack = (...more: string[]) => runCli(["device", "return", "--dir", directory, ...more]);
const contentOf = (file: string): string => readFileSync(join(directory, file), "utf8");
const recorded = () => JSON.parse(contentOf("device.json")) as Record<string, string>;

interface Sent {
  readonly csr: string;
  readonly previousCertificate: string;
}
const sent = (): readonly Sent[] =>
  service.requests
    .filter(({ body }) => body.includes("previousCertificate"))
    .map(({ body }) => JSON.parse(body) as Sent);

describe("device return", () => {
  it.each(["P-256", "P-384", "Ed25519", "RSA-2048", "ML-DSA-65"])(
    "sends the certificate and a request by its own key, %s, and no credential besides",
    async (algorithm) => {
      await enroll("--algorithm", algorithm);
      const previous = contentOf("device.crt");
      expect((await comeBack()).code).toBe(0);
      const [request] = sent();
      expect(request).toEqual({ csr: expect.any(String), previousCertificate: previous });
      const [der = Buffer.alloc(0)] = decodePem(request?.csr ?? "", "CERTIFICATE REQUEST");
      const { publicKey } = await verifyCsr(der);
      const spki = new X509Certificate(previous).publicKey.export({ type: "spki", format: "der" });
      expect(Buffer.from(publicKey.der)).toEqual(spki);
      const { headers } = service.requests.find(({ body }) => body.includes("previousCertificate")) ?? {};
      expect(headers).not.toHaveProperty("authorization");
    },
  );

  it("replaces the files whole, and keeps the key", async () => {
    await enroll();
    const [key, certificate, files] = [
      contentOf("device.key"),
      contentOf("device.crt"),
      readdirSync(directory),
    ];
    const { code, stdout, stderr } = await comeBack();
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${directory}\n` });
    expect(stderr).toMatch(/d-1 is in quarantine: .+\n.+device release d-1/);
    expect(contentOf("device.key")).toBe(key);
    expect(readdirSync(directory)).toEqual(files);
    const now = new X509Certificate(contentOf("device.crt"));
    expect(contentOf("device.crt")).not.toBe(certificate);
    expect(contentOf("fullchain.pem")).toBe(contentOf("device.crt") + contentOf("chain.pem"));
    expect(now.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(recorded()).toMatchObject({ deviceId: "d-1", serialNumber: now.serialNumber.toLowerCase() });
  });

  it("sends the same request again after an answer was lost", async () => {
    await enroll();
    let lost = 0;
    service.intercept = ({ body }) =>
      body.includes("previousCertificate") && lost++ < 10 ? "resetAfterwards" : undefined;
    const first = await comeBack();
    expect({ code: first.code, waiting: existsSync(join(directory, ".pending")) }).toEqual({
      code: 4,
      waiting: true,
    });
    service.intercept = () => undefined;
    expect((await comeBack()).code).toBe(0);
    expect(new Set(sent().map(({ csr }) => csr)).size).toBe(1);
    expect(service.issued).toHaveLength(2);
  });

  it("leaves the device's files as they are when it is refused, and says what to do", async () => {
    await enroll();
    const files = () => ["device.key", "device.crt", "device.json"].map(contentOf);
    const before = files();
    const refusals = [
      { status: 401, code: "credential_invalid", remedy: /device renew/ },
      { status: 401, code: "credential_expired", remedy: /device enroll/ },
      { status: 403, code: "credential_not_accepted", remedy: /takes no device back.+token create/ },
      { status: 403, code: "client_certificate_revoked", remedy: /on purpose/ },
      { status: 403, code: "device_not_active", remedy: /device show/ },
    ];
    for (const { status, code, remedy } of refusals) {
      service.intercept = ({ body }) =>
        body.includes("previousCertificate") ? problemAnswer(status, code) : undefined;
      const refused = await comeBack();
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`[${code}]`) });
      expect(refused.stderr).toMatch(remedy);
      expect(files()).toEqual(before);
    }
  });

  it("goes where --url says, and leaves renewals where they went", async () => {
    await enroll("--renewal-url", "https://clients.example");
    expect((await comeBack("--url", service.url)).code).toBe(0);
    expect(recorded()).toMatchObject({ url: "https://clients.example" });
    expect((await comeBack("--url", service.url, "--renewal-url", "https://other.example")).code).toBe(0);
    expect(recorded()).toMatchObject({ url: "https://other.example" });
  });

  it("takes no other credential, and makes no directory of a mistyped name", async () => {
    expect((await comeBack("--token", "x")).code).toBe(2);
    expect((await comeBack("--cert", "x.pem")).code).toBe(2);
    const nowhere = join(directory, "nowhere");
    const mistyped = await runCli(["device", "return", "--dir", nowhere]);
    expect(mistyped).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/\[file_missing\]\n.+device enroll/),
    });
    expect(existsSync(nowhere)).toBe(false);
  });
});
