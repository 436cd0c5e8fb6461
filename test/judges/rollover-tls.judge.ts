/**
 * Room: test/judges. TLS while a root, and after it an issuing authority, is replaced: at each stage OpenSSL and node
 * connect, as clients that trust the old root alone, the new one alone, or both, to servers of the old and of the new
 * authority, which send the chain that the service gives them at that stage. Every certificate is judged by OpenSSL's
 * strict verification, and by zlint.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crossCertificates, getFleet } from "../../core/authority/issuer.ts";
import { authoritiesOf } from "../../core/distribution/trust.ts";
import type { AuthorityAlgorithmId } from "../../core/formats/algorithms.ts";
import { decodePem, encodePem } from "../../core/formats/pem.ts";
import { makeTrustFleet } from "../distribution/trust-world.ts";
import {
  nodeClient,
  nodeServer,
  opensslClient,
  opensslServer,
  type ServerFiles,
  type TlsServer,
} from "../rotation/handshakes.ts";
import {
  issuingStages,
  recordOf,
  rootStages,
  type Stage,
  serverCertificate,
} from "../rotation/rollover-stages.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { type DeviceKey, deviceKey } from "../support/device.ts";
import { openssl, withFiles } from "../support/openssl.ts";
import { zlint } from "./support/zlint.ts";

const fleet = "clinic";
const pem = (raw: Uint8Array): string => encodePem("CERTIFICATE", raw);

/** By the authority that signed its certificate. */
type Servers = ReadonlyMap<string, DeviceKey>;

interface Client {
  readonly name: string;
  readonly roots: string;
}

async function rootPem(fixture: DeploymentFixture, authorityId: string): Promise<string> {
  return pem((await recordOf(fixture.app, fleet, authorityId)).certificate);
}

/** Clients that trust one of the stage's roots alone, and all of them. */
async function clientsOf(fixture: DeploymentFixture, { roots }: Stage): Promise<readonly Client[]> {
  const alone: Client[] = [];
  for (const name of roots) alone.push({ name: `${name} alone`, roots: await rootPem(fixture, name) });
  return roots.length === 1
    ? alone
    : [...alone, { name: "all roots", roots: alone.map((one) => one.roots).join("") }];
}

async function withServer(
  fixture: DeploymentFixture,
  key: DeviceKey,
  work: (files: ServerFiles, path: (name: string) => string) => Promise<void>,
): Promise<void> {
  const { certificate, chain } = await serverCertificate(fixture.app, fleet, key);
  const text = key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const files = { "key.pem": text, "certificate.pem": certificate, "chain.pem": chain };
  await withFiles(files, (path) =>
    work({ directory: join(path("key.pem"), ".."), key: text, certificate, chain }, path),
  );
}

/** Every outcome of the server's clients, by who they are. */
async function outcomes(
  files: ServerFiles,
  path: (name: string) => string,
  clients: readonly Client[],
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const makers = { s_server: opensslServer, "node server": nodeServer };
  for (const [kind, make] of Object.entries(makers)) {
    const server: TlsServer = await make(files);
    try {
      for (const { name, roots } of clients) {
        await writeFile(path("roots.pem"), roots);
        found[`${kind}, s_client, ${name}`] = await opensslClient(server.port, path("roots.pem"));
        found[`${kind}, node client, ${name}`] = await nodeClient(server.port, roots);
      }
    } finally {
      await server.close();
    }
  }
  return found;
}

/** `openssl verify` of the chain that the server sends, to the client's roots; the whole path, the leaf included. */
async function strictPath({ certificate, chain }: ServerFiles, roots: string): Promise<readonly string[]> {
  return withFiles({ certificate, chain, roots }, async (path) => {
    const { accepted, output } = await openssl([
      ...["verify", "-x509_strict", "-purpose", "sslserver", "-show_chain"],
      ...["-CAfile", path("roots"), "-untrusted", path("chain"), path("certificate")],
    ]);
    expect(accepted, output).toBe(true);
    return output.split("\n").filter((line) => line.startsWith("depth="));
  });
}

/** Developer guide of API Gateway, mutual TLS: at most four certificates from the client's to the root. */
const longestPath = 4;

function judge(title: string, stages: readonly Stage[], rootAlgorithm: AuthorityAlgorithmId): void {
  describe(title, () => {
    let fixture: DeploymentFixture;
    const servers = new Map<string, DeviceKey>();
    beforeAll(async () => {
      fixture = await openDeploymentApp();
      await makeTrustFleet(fixture.app, fleet, rootAlgorithm);
      await meet(fixture, servers);
    });
    afterAll(() => fixture.close());

    for (const stage of stages) {
      test(`${stage.name}: every client reaches every server`, async () => {
        await stage.enter(fixture.app, fleet);
        await meet(fixture, servers);
        const clients = await clientsOf(fixture, stage);
        for (const authority of stage.issuing) await judgeServer(fixture, authority, servers, clients);
        await judgeGateway(fixture, stage, servers);
      });
    }

    test("zlint finds no error in any certificate, and has judged each", async () => {
      const state = await getFleet(fixture.app, fleet);
      const crosses = state.authorities.flatMap(({ record }) => record.crossCertificates ?? []);
      const all = [
        ...state.authorities.map(({ record }) => Buffer.from(record.certificate)),
        ...crosses.map((one) => Buffer.from(one, "base64")),
      ];
      const reports = await zlint(all);
      expect(reports).toHaveLength(all.length);
      for (const report of reports) {
        const bad = [...report].filter(([, result]) => ["error", "fatal", "warn"].includes(result));
        expect(bad).toEqual([]);
        expect([...report.values()].filter((result) => result === "pass").length).toBeGreaterThan(20);
      }
    });
  });
}

/** A server of the authority that issues now, where it has none yet. */
async function meet(fixture: DeploymentFixture, servers: Map<string, DeviceKey>): Promise<void> {
  const { record } = await getFleet(fixture.app, fleet);
  if (servers.has(record.issuingAuthorityId)) return;
  const key = deviceKey();
  await serverCertificate(fixture.app, fleet, key);
  servers.set(record.issuingAuthorityId, key);
}

function keyOf(servers: Servers, authority: string): DeviceKey {
  const key = servers.get(authority);
  if (key === undefined) throw new Error(`there is no server of ${authority}`);
  return key;
}

async function judgeServer(
  fixture: DeploymentFixture,
  authority: string,
  servers: Servers,
  clients: readonly Client[],
): Promise<void> {
  await withServer(fixture, keyOf(servers, authority), async (files, path) => {
    const found = await outcomes(files, path, clients);
    expect(Object.keys(found)).toHaveLength(4 * clients.length);
    for (const [who, outcome] of Object.entries(found)) expect(outcome, `${authority}: ${who}`).toBe("ok");
    for (const { name, roots } of clients) {
      const depth = (await strictPath(files, roots)).length;
      expect(depth, `${authority}, ${name}`).toBeLessThanOrEqual(longestPath);
    }
  });
}

/** The trust store of the gateway knows the authorities itself: no chain is needed, and one does no harm. */
async function judgeGateway(fixture: DeploymentFixture, { issuing }: Stage, servers: Servers): Promise<void> {
  const state = await getFleet(fixture.app, fleet);
  const store = authoritiesOf(state).map(pem).join("");
  for (const authority of issuing) {
    await withServer(fixture, keyOf(servers, authority), async (files) => {
      const depth = (await strictPath({ ...files, chain: files.certificate }, store)).length;
      expect(depth, authority).toBeLessThanOrEqual(longestPath);
      expect((await strictPath(files, store)).length, authority).toBeLessThanOrEqual(longestPath);
    });
  }
}

judge("a root of P-256 and its successor of P-384", rootStages("P-384"), "P-256");
judge("a root of RSA-3072 and its successor of P-256", rootStages("P-256"), "RSA-3072");
judge("an issuing authority of P-256 and its successor of P-384", issuingStages, "P-256");

describe("what must not hold", () => {
  let fixture: DeploymentFixture;
  const key = deviceKey();
  beforeAll(async () => {
    fixture = await openDeploymentApp();
    await makeTrustFleet(fixture.app, fleet);
    for (const stage of rootStages("P-256")) await stage.enter(fixture.app, fleet);
  });
  afterAll(() => fixture.close());

  test("once the old root has retired, who trusts it alone reaches no server, and no chain names it", async () => {
    const [old, state] = [await rootPem(fixture, "root-1"), await getFleet(fixture.app, fleet)];
    expect(crossCertificates(state)).toEqual([]);
    await withServer(fixture, key, async (files, path) => {
      expect(decodePem(files.chain, "CERTIFICATE")).toHaveLength(1);
      const found = await outcomes(files, path, [{ name: "root-1 alone", roots: old }]);
      expect(Object.values(found)).not.toContain("ok");
      expect(Object.values(found)).toHaveLength(4);
    });
  });

  test("without the cross certificate a client of the other root is refused: it is what leads there", async () => {
    const other = await openDeploymentApp();
    try {
      await makeTrustFleet(other.app, fleet);
      for (const stage of rootStages("P-256").slice(0, 5)) await stage.enter(other.app, fleet);
      const old: Client = { name: "root-1 alone", roots: await rootPem(other, "root-1") };
      await withServer(other, deviceKey(), async (files, path) => {
        const [issuing, ...crosses] = decodePem(files.chain, "CERTIFICATE").map(pem);
        expect(crosses).toHaveLength(1);
        await writeFile(path("chain.pem"), issuing ?? "");
        const found = await outcomes({ ...files, chain: issuing ?? "" }, path, [old]);
        expect(Object.values(found)).not.toContain("ok");
      });
    } finally {
      await other.close();
    }
  });
});
