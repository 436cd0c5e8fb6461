/** Room: infra. Everything that watches one deployed service: figures from logs, alarms, a dashboard, a watch on keys. */
import { Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import { assertEmulatorAccount } from "../configuration/emulator.ts";
import { KeyWatch } from "./key-watch.ts";
import { LogMetrics } from "./log-metrics.ts";
import type { ObservedService } from "./observed-service.ts";
import { ServiceAlarms } from "./service-alarms.ts";
import { ServiceDashboard } from "./service-dashboard.ts";

export interface ObservabilityProps extends ObservedService {
  /** Leaves out what the emulator lacks: metric math, composite alarms, CloudTrail; for its account alone. @default false */
  readonly emulator?: boolean;
}

export class Observability extends Construct {
  /** @throws Error for `emulator` in any account but the emulator's. */
  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    const { emulator = false } = props;
    if (emulator) assertEmulatorAccount(Stack.of(this).account);
    const logs = new LogMetrics(this, "Logs", props);
    new ServiceAlarms(this, "Alarms", props, logs, emulator);
    new ServiceDashboard(this, "Dashboard", props, logs);
    if (!emulator) new KeyWatch(this, "KeyWatch", props);
  }
}
