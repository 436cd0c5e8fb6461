/** Room: test. A fleet as a deployment leaves it, with the ports that the rotation has; wrapping keys in memory. */
import { join } from "node:path";
import { softwareKeyCustody } from "../../adapters/local/software-key-custody.ts";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import { AppError } from "../../core/errors.ts";
import type { DataKeyCustody, DataKeyState, RotationApp } from "../../core/ports.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";

export const fleet = "clinic";
export const day = 86_400_000;
export const hour = 3_600_000;

export interface MemoryDataKeys extends DataKeyCustody {
  keys: DataKeyState[];
  readonly rotations: string[];
}

/** As KMS has them: a rotation on demand counts, and the 26th is refused. */
export function memoryDataKeys(now: () => number, names: readonly string[] = []): MemoryDataKeys {
  const custody: MemoryDataKeys = {
    keys: names.map((name) => ({
      keyId: `arn:${name}`,
      name,
      condition: "enabled",
      createdAt: now(),
      rotationDays: 365,
      onDemandRotations: 0,
      onDemandLimit: 25,
    })),
    rotations: [],
    list: async () => custody.keys,
    async rotateNow(name) {
      const key = custody.keys.find((each) => each.name === name);
      if (key === undefined) throw new AppError("key_not_found", "there is no such key");
      if (key.onDemandRotations >= key.onDemandLimit)
        throw new AppError("key_rotation_exhausted", "rotated 25 times");
      const rotated = { ...key, onDemandRotations: key.onDemandRotations + 1, lastRotationAt: now() };
      custody.keys = custody.keys.map((each) => (each.name === name ? rotated : each));
      custody.rotations.push(name);
      return rotated;
    },
  };
  return custody;
}

export type RotatingPorts = DeploymentFixture["app"] & RotationApp;

export interface RotatingFleet extends DeploymentFixture {
  readonly app: RotatingPorts;
  readonly dataKeys: MemoryDataKeys;
  rotate(): ReturnType<typeof rotate>;
  /** Milliseconds until the fleet's first keys are `days` old, and a minute more. */
  fleetAge(days: number): number;
  /** Events of the notices since it was asked last, in order. */
  told(): readonly string[];
}

export async function openRotatingFleet(dataKeyNames: readonly string[] = []): Promise<RotatingFleet> {
  const opened = await openDeploymentApp();
  const { clock, directory } = opened;
  const dataKeys = memoryDataKeys(clock.now, dataKeyNames);
  const app: RotatingPorts = {
    ...opened.app,
    custody: softwareKeyCustody({ directory: join(directory, "keys"), clock }),
    dataKeys,
  };
  await deployFleet(app, {
    plan: { fleet, trustDomain: "example.test", rootAlgorithm: "P-256", issuingAlgorithm: "P-256" },
    fleets: [fleet],
    origin: "https://keys.example.test",
  });
  const born = clock.now();
  let read = opened.notices.length;
  return {
    ...opened,
    app,
    dataKeys,
    rotate: () => rotate(app),
    fleetAge: (days) => born + days * day + 60_000 - clock.now(),
    told() {
      const events = opened.notices.slice(read).map(({ event, subject }) => `${event} ${subject ?? ""}`);
      read = opened.notices.length;
      return events;
    },
  };
}
