/**
 * Room: scripts/rehearsal. What devices see of an authority that follows another: certificates before and after, judged by
 * OpenSSL, the time at which they are asked to renew, and what the API says to the certificates of the one that went.
 */
import { X509Certificate } from "node:crypto";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeManifest } from "../../core/distribution/manifest-decoding.ts";
import type { TrustManifest } from "../../core/distribution/trust-manifest.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { renewalCertIdOf } from "../../core/formats/x509/renewal-cert-id.ts";
import type { Authority, KeyReport } from "../../lambdas/http/rotation-answers.ts";
import { runCommand } from "../deployment/command.ts";
import { operatorFiles } from "../deployment/operator.ts";
import { enrol, judge, renew, tryRenewal } from "./device-life.ts";
import { send } from "./person.ts";
import { connected, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat } from "./report.ts";
import { documentOf, type Pair, read } from "./rotation-answers.ts";

const hour = 3_600_000;

/** Devices of the old authority: one renews, the other does not. */
const follower = "sensor-0003";
const straggler = "sensor-0004";
const newcomer = "sensor-0005";

const directoryOf = ({ directory }: RehearsedStage, name: string): string => join(directory, name);

export async function authorityNamed(stage: RehearsedStage, pair: Pair, id: string): Promise<Authority> {
  const { authorities } = await read<{ authorities: readonly Authority[] }>(stage, pair, "/authorities");
  const found = authorities.find(({ authorityId }) => authorityId === id);
  expectThat(found !== undefined, `there is no authority ${id}`);
  return found;
}

async function openssl({ directory }: RehearsedStage, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand("openssl", argv, { directory });
  expectThat(code === 0, `openssl ${argv[0]}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

/** Fails unless the certificate in `directory` comes from that authority, by OpenSSL's judgement up to the root. */
async function expectIssuer(stage: RehearsedStage, directory: string, authority: Authority): Promise<void> {
  await judge(stage, directory);
  const issuer = new X509Certificate(await readFile(join(directory, "chain.pem"), "utf8"));
  const isIt = issuer.raw.equals(new X509Certificate(authority.certificate).raw);
  expectThat(isIt, `its chain does not begin with ${authority.authorityId}`);
}

/** Both devices, before anything happens. */
export async function enrolBefore(stage: RehearsedStage): Promise<void> {
  for (const device of [follower, straggler]) await enrol(stage, device, directoryOf(stage, device));
}

/** Fails unless OpenSSL verifies the authority's own certificate with the root that people pinned. */
export async function judgeAuthority(stage: RehearsedStage, authority: Authority): Promise<string> {
  const file = join(stage.directory, `${authority.authorityId}.pem`);
  await writeFile(file, authority.certificate);
  const { root } = operatorFiles(stage.operatorDirectory);
  await openssl(stage, ["verify", "-x509_strict", "-CAfile", root, file]);
  return `${authority.authorityId} is ${authority.state}`;
}

async function published(stage: RehearsedStage, path: string): Promise<Buffer> {
  const { status, body } = await connected(stage, undefined, ({ client }) =>
    client.send({ method: "GET", path }),
  );
  expectThat(status === 200, `${path}: ${status}`);
  return body;
}

async function newestManifest(stage: RehearsedStage): Promise<TrustManifest> {
  const text = (await published(stage, `/v1/fleets/${stage.fleet.fleet}/trust.jws`)).toString("utf8");
  const [, payload = ""] = text.split(".");
  return decodeManifest(Buffer.from(payload, "base64url"));
}

/** Ids of the authorities that the newest trust manifest names. */
export async function namedInManifest(stage: RehearsedStage): Promise<readonly string[]> {
  return (await newestManifest(stage)).authorities.map(({ authorityId }) => authorityId);
}

/** A device that was never here gets its certificate from the successor. */
export async function enrolAfter(stage: RehearsedStage, authority: Authority): Promise<void> {
  const directory = directoryOf(stage, newcomer);
  await enrol(stage, newcomer, directory);
  await expectIssuer(stage, directory, authority);
}

/** RFC 9773 §4.2: where the device asks, its window has been pulled forward to the next day. */
export async function askWhenToRenew(stage: RehearsedStage): Promise<string> {
  const pem = await readFile(join(directoryOf(stage, follower), "device.crt"), "utf8");
  const certId = renewalCertIdOf(decodeCertificate(new X509Certificate(pem).raw)) ?? "";
  const answer = await send(stage, { method: "GET", path: `/renewal-info/${certId}` });
  const { suggestedWindow } = documentOf<{ suggestedWindow: { start: string; end: string } }>(answer);
  const { start, end } = suggestedWindow;
  expectThat(Date.parse(end) <= Date.now() + 24 * hour, `its window is ${start} to ${end}`);
  return `from ${start} to ${end}`;
}

/** OpenSSL verifies what the device had and what it has then. */
export async function renewOnto(stage: RehearsedStage, before: Authority, after: Authority): Promise<void> {
  const directory = directoryOf(stage, follower);
  const kept = `${directory}-before`;
  await cp(directory, kept, { recursive: true });
  await renew(stage, directory);
  await expectIssuer(stage, kept, before);
  await expectIssuer(stage, directory, after);
}

/** Of the authorities' keys: `issuing-1 draining`. */
export async function usesOfKeys(stage: RehearsedStage, pair: Pair): Promise<readonly string[]> {
  const { keys } = await read<KeyReport>(stage, pair, "/key-report");
  for (const { name, condition } of keys.filter(({ kind }) => kind === "root" || kind === "issuing"))
    expectThat(condition === "enabled", `the key of ${name} is ${condition ?? "not looked at"}`);
  return keys.map(({ name, use, state }) => `${name} ${use} ${state}`);
}

/** OpenSSL verifies the list of the root, where the trust manifest says it is, and finds the lost authority in it. */
export async function findOnRootsList(stage: RehearsedStage, lost: Authority): Promise<string> {
  const { roots } = await newestManifest(stage);
  const { crl = "" } = roots.find(({ authorityId }) => authorityId === lost.issuer) ?? {};
  expectThat(URL.canParse(crl), "the manifest names no list of the root");
  const file = join(stage.directory, "root.crl");
  await writeFile(file, await published(stage, new URL(crl).pathname));
  const { root } = operatorFiles(stage.operatorDirectory);
  const argv = ["crl", "-inform", "DER", "-in", file, "-CAfile", root, "-noout", "-text"];
  const read = await openssl(stage, argv);
  expectThat(/verify OK/.test(read), "openssl crl does not verify the list");
  const serial = `Serial Number: ${lost.serialNumber.toUpperCase()}`;
  expectThat(read.includes(serial), `it lacks ${lost.authorityId}`);
  expectThat(/CA Compromise/.test(read), "it gives another reason");
  return new URL(crl).pathname;
}

/** The one that did not renew is refused; the one that did renews on. */
export async function expectOnlyFollowers(stage: RehearsedStage): Promise<string> {
  const refused = await tryRenewal(stage, directoryOf(stage, straggler), straggler);
  expectThat(refused === "client_certificate_untrusted", `the straggler's renewal got ${refused}`);
  const renewed = await tryRenewal(stage, directoryOf(stage, follower), follower);
  expectThat(renewed === "a certificate", `the follower's renewal got ${renewed}`);
  return refused;
}
