/** Callers of the API for tests: the credentials of one fleet, each made by the use cases themselves. */
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
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

export async function tokenOf(app: App, fleet: string, deviceId: string): Promise<string> {
  const { token } = await createEnrollmentToken(app, { fleet, actor: "operator:operator-1", deviceId });
  return token;
}

export async function deviceOf(app: App, fleet: string, deviceId: string): Promise<Caller> {
  const token = await tokenOf(app, fleet, deviceId);
  return enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
}
