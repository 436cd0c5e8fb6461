import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { redacted } from "../../lambdas/http/redaction.ts";

const lines: Record<string, unknown>[] = [];
beforeEach(() => {
  lines.length = 0;
  // Makes Powertools write to the global console, where a test can read.
  vi.stubEnv("POWERTOOLS_DEV", "true");
  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => void lines.push(JSON.parse(line)));
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it("CloudWatch lines carry service, level and fields, redacted", async () => {
  const { powertoolsLog } = await import("../../lambdas/http/powertools-log.ts");
  const log = powertoolsLog("enrollment");
  log.info("request", { route: "enroll", status: 201, fleet: "default" });
  log.warn("lease_not_released", { serialNumber: "4f1c0a9be27d5583", code: "store_unavailable" });
  log.error("request_failed", { reason: "jo@example.com", csr: "MIIBszCCAVmgAwIBAgIU" });
  expect(lines).toMatchObject([
    {
      level: "INFO",
      message: "request",
      service: "enrollment",
      route: "enroll",
      status: 201,
      fleet: "default",
    },
    { level: "WARN", message: "lease_not_released", serialNumber: "4f1c0a9be27d5583" },
    { level: "ERROR", message: "request_failed", reason: redacted, csr: redacted },
  ]);
});
