/** Room: test. Boulder's requests through issuance itself: each refused for its own reason, and nothing is kept. */
import { X509Certificate } from "node:crypto";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { decideRequest } from "../../core/policy/request-policy.ts";
import type { App } from "../../core/ports.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { corpus, readCase } from "../formats/corpora.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FaultyStore, faultyStore } from "../support/faulty-store.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

const folder = corpus("csr");
const path = folder ?? "";

interface Refused {
  readonly file: string;
  readonly expected: string;
  /** The token's; by default the very name that the request carries, so that nothing is refused for the name. */
  readonly deviceId?: string;
  readonly reason: string;
}

const named = "not-example.com";
const asDevice: readonly Refused[] = [
  { file: "bad_algorithm", expected: "csr_algorithm_unsupported", reason: "signed with SHA-1" },
  { file: "invalid_signature", expected: "csr_signature_invalid", reason: "signed by nobody" },
  { file: "long_cn", expected: "csr_malformed", reason: "a common name of 65 characters" },
  { file: "short_key", expected: "key_weak", reason: "RSA of 512 bits" },
  { file: "ct_poison_extension_empty", expected: "csr_extension_not_permitted", reason: "RFC 6962 poison" },
  { file: "must_staple", expected: "csr_extension_not_permitted", reason: "RFC 7633 TLS feature" },
  { file: "ecdsa", expected: "csr_san_not_permitted", reason: "DNS names for a device" },
  { file: "cn_and_san", expected: "csr_san_not_permitted", reason: "DNS names for a device" },
  {
    file: "cn_and_san",
    deviceId: "pump-1",
    expected: "csr_subject_mismatch",
    reason: "another's common name",
  },
  {
    file: "must_staple",
    deviceId: "pump-1",
    expected: "csr_subject_mismatch",
    reason: "another's common name",
  },
];

// These carry a DNS name too: only a server with that very name gets to the extension.
const asServer: readonly Refused[] = [
  { file: "ct_poison_extension", expected: "csr_extension_not_permitted", reason: "RFC 6962 poison" },
  { file: "unsupported_extension", expected: "csr_extension_not_permitted", reason: "an unknown extension" },
  { file: "must_staple", expected: "csr_extension_not_permitted", reason: "RFC 7633 TLS feature" },
];

const read = (file: string): Buffer => readCase(path, `${file}.csr.der`);

describe.skipIf(folder === undefined)("Boulder's requests (corpora, where present)", () => {
  let opened: FleetApp;
  let app: App;
  let keys: FaultyKeys;
  let items: FaultyStore;
  beforeAll(async () => {
    opened = await openFleetApp();
    keys = faultyKeys(opened.app.keys);
    items = faultyStore(opened.app.items, () => "none");
    app = { ...opened.app, keys, items };
  });
  afterAll(() => opened.close());

  const tokenFor = async (deviceId: string) =>
    (await createEnrollmentToken(app, { fleet, actor: "operator:operator-1", deviceId })).token;
  const server = (dnsNames: readonly string[], csr: Buffer) =>
    issueForDeployment(app, { fleet, subject: { kind: "server", dnsNames, ipAddresses: [] }, csr });
  const held = async () => (await listCertificates(app, { fleet, limit: 1000 })).certificates.length;

  /** Neither an intent nor a certificate nor a spent credential, and no signature. */
  async function expectNothingFrom(act: () => Promise<unknown>, expected: string): Promise<void> {
    const before = { kept: items.kept.length, signatures: keys.signatures, held: await held() };
    expect(await codeOf(act())).toBe(expected);
    expect({ kept: items.kept.length, signatures: keys.signatures, held: await held() }).toEqual(before);
  }

  it.each(asDevice)(
    "$file with a device's token: $expected ($reason)",
    async ({ file, expected, ...row }) => {
      const token = await tokenFor(row.deviceId ?? named);
      await expectNothingFrom(() => enroll(app, { fleet, token, csr: read(file) }), expected);
      // What was refused was the request, not the credential.
      await expect(enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) })).resolves.toBeDefined();
    },
  );

  it.each(asServer)("$file as a server of that name: $expected ($reason)", async ({ file, expected }) => {
    await expectNothingFrom(() => server([named], read(file)), expected);
  });

  it("no_names asks for nothing: its device gets the name of its token", async () => {
    const token = await tokenFor("pump-2");
    const issued = await enroll(app, { fleet, token, csr: read("no_names") });
    expect(new X509Certificate(issued.certificate).subject).toBe("CN=pump-2");
  });

  it.each([
    { names: [named, `www.${named}`], expected: { allow: true } },
    { names: [`www.${named}`, named], expected: { allow: false, code: "csr_subject_mismatch" } },
    { names: [named], expected: { allow: false, code: "csr_san_not_permitted" } },
    { names: [named, `www.${named}`, "more.example"], expected: { allow: true } },
  ])("cn_and_san for a server named $names: $expected", async ({ names, expected }) => {
    const identity = { kind: "server", fleet, dnsNames: names, ipAddresses: [] } as const;
    const csr = await verifyCsr(read("cn_and_san"));
    expect(decideRequest(csr, profiles.server, identity)).toMatchObject(expected);
  });

  it("cn_and_san gets a server certificate with the identity's names, and no others", async () => {
    const { certificate } = await server([named, `www.${named}`], read("cn_and_san"));
    const { subject, subjectAltName } = new X509Certificate(certificate);
    expect({ subject, subjectAltName }).toEqual({
      subject: `CN=${named}`,
      subjectAltName: `DNS:${named}, DNS:www.${named}`,
    });
  });

  it("every file of the folder went through issuance here", () => {
    const files = [...asDevice, ...asServer].map(({ file }) => file);
    const here = [...new Set([...files, "no_names"])].map((file) => `${file}.csr.der`).sort();
    expect(here).toEqual(
      readdirSync(path)
        .filter((file) => file.endsWith(".der"))
        .sort(),
    );
  });
});
