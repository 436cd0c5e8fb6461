/** Room: scripts. A fleet on the local adapters in a temporary directory, which goes when it is closed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { openFileObjectStore } from "../../adapters/local/file-object-store.ts";
import { openSoftwareKeyService } from "../../adapters/local/software-key-service.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { systemEntropy } from "../../adapters/system/entropy.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { bootstrapFleet } from "../../core/bootstrap/fleet.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { boundedMemo } from "../../core/memo.ts";
import type { App, ObjectStore } from "../../core/ports.ts";
import type { CertificateRecord } from "../../core/records/certificate-record.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { deviceCsr, deviceKey } from "../../test/support/device.ts";
import { recordingLog } from "../../test/support/fleet-app.ts";

export const fleet = "default";

export interface House {
  readonly app: App & { readonly artifacts: ObjectStore };
  /** The record of one device's certificate, issued for real. */
  readonly sample: CertificateRecord;
  readonly directory: string;
  close(): Promise<void>;
}

async function issueSample(app: App): Promise<CertificateRecord> {
  const actor = "operator:operator-1";
  const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId: "pump-0000000" });
  const { serialNumber } = await enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
  const stored = await findCertificate(app, fleet, serialNumber);
  if (stored === undefined) throw new Error("the sample certificate is not on record");
  return stored.value;
}

/** Its certificates say where their status is, so lists are published for it. */
async function addFleet(app: App): Promise<void> {
  const algorithms = { rootAlgorithm: "P-384", issuingAlgorithm: "P-256" } as const;
  await bootstrapFleet(app, { fleet, trustDomain: "example.test", ...algorithms });
  const { record, version } = await getFleet(app, fleet);
  const origin = "https://fleetkey.example";
  const places = { origin, artifactBases: [`${origin}/v1/fleets/${fleet}`] };
  await app.items.transact([{ put: fleetItem({ ...record, ...places }), when: version }]);
}

/** On disk, as the local server keeps it. */
export async function openHouse(): Promise<House> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-scale-"));
  const items = await openSqliteItemStore({ path: join(directory, "fleetkey.sqlite") });
  const masterKey = { keyFile: join(directory, "master.key") };
  const app = {
    clock: systemClock,
    entropy: systemEntropy,
    items,
    keys: await openSoftwareKeyService({ directory: join(directory, "keys"), masterKey }),
    artifacts: await openFileObjectStore({ directory: join(directory, "artifacts") }),
    log: recordingLog([]),
    memo: boundedMemo(),
    identities: identityVerifier(),
  };
  await addFleet(app);
  return {
    app,
    sample: await issueSample(app),
    directory,
    async close() {
      await items.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
