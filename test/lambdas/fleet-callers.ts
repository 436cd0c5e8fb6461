/** Callers of the API for tests: the credentials of one fleet, each made by the use cases themselves. */
import { getFleet } from "../../core/authority/issuer.ts";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { certifyDeployedBackend } from "../../core/enrollment/backend-certificate.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { App } from "../../core/ports.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";

export interface Caller {
  readonly serialNumber: string;
  /** PEM. */
  readonly certificate: string;
}

export async function operatorOf(app: App, fleet: string, operatorId = "operator-1"): Promise<Caller> {
  const subject = { kind: "operator", operatorId } as const;
  return issueForDeployment(app, { fleet, subject, csr: deviceCsr(deviceKey()) });
}

/** A backend's first certificate, as whoever holds the deployment has it made. */
export async function backendOf(app: App, fleet: string, backendId: string): Promise<Caller> {
  const fleetState = await getFleet(app, fleet);
  const certifier = { fleetState, actor: "system" };
  return certifyDeployedBackend(app, { certifier, backendId, csr: deviceCsr(deviceKey()) });
}

export async function tokenOf(app: App, fleet: string, deviceId: string): Promise<string> {
  const { token } = await createEnrollmentToken(app, { fleet, actor: "operator:operator-1", deviceId });
  return token;
}

export async function deviceOf(app: App, fleet: string, deviceId: string): Promise<Caller> {
  const token = await tokenOf(app, fleet, deviceId);
  return enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
}
