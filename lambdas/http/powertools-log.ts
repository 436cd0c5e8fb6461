/** Room: lambdas/http. Lines for CloudWatch by Powertools, whose logger does not redact by itself. */
import { Logger } from "@aws-lambda-powertools/logger";
import type { Log } from "../../core/ports.ts";
import { redactingLog } from "./logger.ts";

/** `service` is the function's id. The level follows the function's own setting, "INFO" when it has none. */
export function powertoolsLog(service: string): Log {
  const logger = new Logger({ serviceName: service });
  return redactingLog((level, event, fields) => logger[level](event, { ...fields }));
}
