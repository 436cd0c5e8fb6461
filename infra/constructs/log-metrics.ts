/**
 * Room: infra. Figures that only the functions' own log lines hold. A line is one JSON object with `level`, `event`
 * and opaque fields (lambdas/http/logger.ts), so a filter reads members and never text.
 */
import { Duration } from "aws-cdk-lib";
import { Metric, Stats, Unit } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, type IFilterPattern, type ILogGroup, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { logNamespace, type ObservedService } from "./observed-service.ts";

const is = (member: string, value: string) => FilterPattern.stringValue(`$.${member}`, "=", value);

/** `code` of an error line when no signature came, or none that verifies. */
export const signingFailureCodes = ["key_service_unavailable", "key_not_found", "signature_invalid"] as const;

const patterns = {
  // The request's own line tells the code once more, at level "info".
  signingFailure: FilterPattern.all(
    is("level", "error"),
    FilterPattern.any(...signingFailureCodes.map((code) => is("code", code))),
  ),
  issued: FilterPattern.all(
    is("event", "request"),
    FilterPattern.numberValue("$.status", "=", 201),
    FilterPattern.any(is("route", "enroll"), is("route", "renew")),
  ),
  reconciled: is("event", "reconciled"),
  published: is("event", "published"),
  maintained: is("event", "maintained"),
  rotated: is("event", "rotated"),
  safekept: is("event", "safekept"),
} as const;

interface Filter {
  readonly metricName: string;
  readonly pattern: IFilterPattern;
  readonly metricValue?: string;
  /** Written while lines come that do not match; without it such a time has no data. */
  readonly defaultValue?: number;
  readonly unit?: Unit;
}

export class LogMetrics extends Construct {
  /** Signatures that failed, all functions together. */
  readonly signingFailures: Metric;
  /** Certificates that were issued to a request, retries of it included. */
  readonly issued: Metric;
  /** Runs of the reconciler that came to their end. */
  readonly reconciliations: Metric;
  /** Seconds since the oldest unfinished intent was recorded; 0 when there is none. */
  readonly oldestOpenSeconds: Metric;
  /** Runs of the publisher that came to their end. */
  readonly publications: Metric;
  /**
   * Seconds from a revocation to its list: the slowest of those that a run published, and the oldest that no list has
   * yet, whichever is more; 0 when there is none. Each run writes both into the one figure, whose maximum is taken.
   */
  readonly revocationWaitSeconds: Metric;
  /** Runs of maintenance that came to their end. */
  readonly maintenances: Metric;
  /** What runs of both, of the rotation and of safekeeping could not do: lists, manifests, steps, jobs. */
  readonly taskFailures: Metric;

  readonly #stage: string;

  constructor(scope: Construct, id: string, { stage, functions }: ObservedService) {
    super(scope, id);
    this.#stage = stage;
    this.issuance(functions);
    this.tasks(functions);
    this.signingFailures = this.metric("SigningFailures", Stats.SUM);
    this.issued = this.metric("CertificatesIssued", Stats.SUM);
    this.reconciliations = this.metric("Reconciliations", Stats.SUM);
    this.oldestOpenSeconds = this.metric("OldestOpenIntent", Stats.MAXIMUM);
    this.publications = this.metric("Publications", Stats.SUM);
    this.revocationWaitSeconds = this.metric("RevocationWait", Stats.MAXIMUM);
    this.maintenances = this.metric("Maintenances", Stats.SUM);
    this.taskFailures = this.metric("TaskFailures", Stats.SUM);
  }

  private issuance({
    enrollment,
    reconciliation,
    bootstrap,
    publication,
    ceremony,
    servers,
    ocsp,
  }: ObservedService["functions"]): void {
    const failures = { metricName: "SigningFailures", pattern: patterns.signingFailure, defaultValue: 0 };
    const signers = { enrollment, reconciliation, bootstrap, publication, ceremony, servers, ocsp };
    for (const [name, signer] of Object.entries(signers))
      this.filter(`${name}-signing-failures`, signer.logGroup, failures);
    const issued = { metricName: "CertificatesIssued", pattern: patterns.issued, defaultValue: 0 };
    this.filter("issued", enrollment.logGroup, issued);
    const { logGroup } = reconciliation;
    const pattern = patterns.reconciled;
    this.filter("reconciliations", logGroup, { metricName: "Reconciliations", pattern });
    const age = { metricName: "OldestOpenIntent", metricValue: "$.oldestOpenSeconds", unit: Unit.SECONDS };
    this.filter("oldest-open", logGroup, { ...age, pattern });
  }

  private tasks({ publication, maintenance, rollover, safekeeping }: ObservedService["functions"]): void {
    const { published, maintained, rotated, safekept } = patterns;
    const wait = { metricName: "RevocationWait", unit: Unit.SECONDS, pattern: published };
    const failures = { metricName: "TaskFailures", metricValue: "$.failed" };
    this.filter("publications", publication.logGroup, { metricName: "Publications", pattern: published });
    for (const [id, metricValue] of [
      ["oldest-pending", "$.oldestPendingSeconds"],
      ["slowest-published", "$.slowestSeconds"],
    ] as const)
      this.filter(id, publication.logGroup, { ...wait, metricValue });
    this.filter("publication-failures", publication.logGroup, { ...failures, pattern: published });
    this.filter("maintenances", maintenance.logGroup, { metricName: "Maintenances", pattern: maintained });
    this.filter("maintenance-failures", maintenance.logGroup, { ...failures, pattern: maintained });
    this.filter("rotation-failures", rollover.logGroup, { ...failures, pattern: rotated });
    this.filter("safekeeping-failures", safekeeping.logGroup, { ...failures, pattern: safekept });
  }

  private filter(id: string, logGroup: ILogGroup, filter: Filter): void {
    const { metricName, pattern, metricValue = "1", defaultValue, unit } = filter;
    new MetricFilter(this, id, {
      logGroup,
      metricNamespace: logNamespace(this.#stage),
      metricName,
      filterPattern: pattern,
      metricValue,
      ...(defaultValue !== undefined && { defaultValue }),
      ...(unit !== undefined && { unit }),
    });
  }

  private metric(metricName: string, statistic: string): Metric {
    const period = Duration.minutes(5);
    return new Metric({ namespace: logNamespace(this.#stage), metricName, statistic, period });
  }
}
