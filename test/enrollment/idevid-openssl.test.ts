/** Room: test. Manufacturer certificates that OpenSSL made, with nothing of ours in them. */
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import { opensslInstalled, opensslOutput, withFiles } from "../support/openssl.ts";
import { enrolled, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";

const configuration = (directory: string) => `
[ca]
default_ca = maker
[maker]
database = ${directory}/index.txt
new_certs_dir = ${directory}
default_md = sha256
rand_serial = yes
policy = anything
[anything]
organizationName = optional
serialNumber = optional
[req]
distinguished_name = name
prompt = no
[name]
CN = Acme Device Authority
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[device]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectAltName = critical,otherName:1.3.6.1.5.5.7.8.4;SEQUENCE:module
[module]
type = OID:1.3.6.1.4.1.32473.7
number = FORMAT:ASCII,OCT:SN-00042
`;

interface Made {
  readonly anchor: string;
  readonly device: string;
}

/** RFC 5280 §4.1.2.5: without an end, as IEEE 802.1AR has it. */
async function makeIdevid(): Promise<Made> {
  return withFiles({ "index.txt": "" }, async (path) => {
    const config = ["-config", path("openssl.cnf")];
    await writeFile(path("openssl.cnf"), configuration(dirname(path("openssl.cnf"))));
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", ...config];
    const anchor = ["req", "-x509", ...key, "-keyout", path("ca.key"), "-out", path("ca.pem")];
    await opensslOutput([...anchor, "-days", "3650", "-extensions", "authority"]);
    const request = ["req", "-new", ...key, "-keyout", path("device.key"), "-out", path("device.csr")];
    await opensslOutput([...request, "-subj", "/O=Acme/serialNumber=SN-00042"]);
    const issue = ["ca", "-batch", "-notext", ...config, "-cert", path("ca.pem"), "-keyfile", path("ca.key")];
    const device = await opensslOutput([
      ...[...issue, "-in", path("device.csr"), "-extensions", "device"],
      ...["-startdate", "20200101000000Z", "-enddate", "99991231235959Z"],
    ]);
    return { anchor: await opensslOutput(["x509", "-in", path("ca.pem")]), device };
  });
}

describe.runIf(opensslInstalled)("an IDevID that OpenSSL made", () => {
  it.each([
    { identifier: "serialNumber", serialNumber: "SN-00042" },
    { identifier: "hardwareModuleName", serialNumber: "1.3.6.1.4.1.32473.7:SN-00042" },
  ] as const)("enrols by $identifier", async ({ identifier, serialNumber }) => {
    const { anchor, device } = await makeIdevid();
    expect(new X509Certificate(device).validTo).toContain("9999");
    const trust = { id: "acme", certificate: anchor, identifier };
    const { app, close } = await openConfiguredFleet({ accepts: ["manufacturer"], manufacturers: [trust] });
    await register(app, [{ deviceId: "pump-1", manufacturer: { id: "acme", serialNumber } }]);
    const answer = await enrolled(app, { fleet, certificate: device, csr: deviceCsr(deviceKey()) });
    expect(new X509Certificate(answer.certificate).subject).toBe("CN=pump-1");
    await close();
  });
});
