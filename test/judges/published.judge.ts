/**
 * Room: test/judges. What a publisher has published, and the certificates that name it, judged by tools that we did not
 * write: zlint (Go), GnuTLS's certtool (C) and OpenSSL, each with the very octets that readers get.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { distribute } from "../../core/bootstrap/distribution.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { decodePem, encodePem } from "../../core/formats/pem.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import {
  actor,
  type Device,
  fleet,
  keyOfUrl,
  openPublishingFleet,
  type PublishingFleet,
  pointerOf,
} from "../revocation/publishing-fleet.ts";
import { openssl, withFiles } from "../support/openssl.ts";
import { zlint } from "./support/zlint.ts";

const certtool = promisify(execFile);
const sources = ["RFC5280", "Community"];

let house: PublishingFleet;
let good: Device;
const revoked: Device[] = [];

const object = async (key: string): Promise<Buffer> => {
  const found = await house.artifacts.get(key);
  if (found === undefined) throw new Error(`nothing is published as ${key}`);
  return Buffer.from(found.body);
};
const listOf = ({ certificate }: Device): Promise<Buffer> => object(keyOfUrl(pointerOf(certificate)));
const rootList = (): Promise<Buffer> => object(`fleets/${fleet}/crl/root-1/complete.crl`);

beforeAll(async () => {
  house = await openPublishingFleet();
  const { app } = house;
  const reasons = [
    "unspecified",
    "keyCompromise",
    "superseded",
    "privilegeWithdrawn",
    "certificateHold",
  ] as const;
  for (const reason of reasons) {
    const device = await house.enrol(`pump-${reason}`);
    await revoke(app, { fleet, actor, serialNumber: device.serialNumber, reason });
    revoked.push(device);
  }
  // Its list has another address too by now: the issuing distribution point has two names.
  await moveOrigin(app, fleet, "https://pki.example.test");
  good = await house.enrol("pump-good");
  await revoke(app, { fleet, actor, serialNumber: good.serialNumber, reason: "certificateHold" });
  await release(app, { fleet, actor, serialNumber: good.serialNumber });
  await distribute(app, fleet);
  await house.publish();
}, 60_000);
afterAll(() => house.close());

describe("zlint", () => {
  test("finds nothing wrong with the published lists, the root's complete one among them", async () => {
    const reports = await zlint([await listOf(good), await rootList()], sources);
    expect(reports).toHaveLength(2);
    for (const report of reports) {
      const found = [...report].filter(([, result]) => ["warn", "error", "fatal"].includes(result));
      expect(found).toEqual([]);
      expect([...report].filter(([, result]) => result === "pass").length).toBeGreaterThan(5);
    }
  });

  test("finds no error in a certificate that names its list and its responder", async () => {
    const [der] = decodePem(good.certificate, "CERTIFICATE");
    const [report] = await zlint([Buffer.from(der ?? [])]);
    expect([...(report ?? [])].filter(([, result]) => ["error", "fatal"].includes(result))).toEqual([]);
  });
});

describe("GnuTLS", () => {
  test("reads the list with its critical distribution point of two names, and verifies it", async () => {
    await withFiles({ list: await listOf(good), chain: good.chain, root: house.root }, async (path) => {
      const { stdout } = await certtool("certtool", ["--crl-info", "--inder", "--infile", path("list")]);
      expect(stdout.match(/Serial Number \(hex\)/g)).toHaveLength(revoked.length);
      expect(stdout).toContain("2.5.29.28 (critical)");
      const pem = encodePem("X509 CRL", await listOf(good));
      await withFiles({ pem }, async (own) => {
        const verdict = await certtool("certtool", [
          "--verify-crl",
          "--load-ca-certificate",
          path("chain"),
          "--infile",
          own("pem"),
        ]);
        expect(verdict.stdout + verdict.stderr).toMatch(/Verification output: Verified/);
      });
    });
  });
});

describe("OpenSSL", () => {
  const check = async ({ certificate, chain }: Device): Promise<string> => {
    const list = encodePem("X509 CRL", await listOf(good));
    const root = encodePem("X509 CRL", await rootList());
    return withFiles({ certificate, chain, root: house.root, lists: list + root }, async (path) => {
      const { output } = await openssl([
        ...["verify", "-crl_check_all", "-x509_strict", "-CAfile", path("root"), "-untrusted", path("chain")],
        ...["-CRLfile", path("lists"), path("certificate")],
      ]);
      return output;
    });
  };

  test("accepts what is good, and refuses what was revoked, before and after the fleet has moved", async () => {
    expect(await check(good)).toContain(": OK");
    for (const device of revoked) expect(await check(device)).toMatch(/certificate revoked/);
  });
});
