/** Room: infra. One page that answers: do devices get certificates, how fast, and what is in the way. */
import { Duration } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric, Stats, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { LogMetrics } from "./log-metrics.ts";
import { apiMetric, type ObservedService, signatureMetric, tableMetric } from "./observed-service.ts";

const period = Duration.minutes(5);

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: 12, height: 6 });
}

/** One line for each function. */
function lines(
  { functions }: ObservedService,
  metric: (name: string, of: ObservedService["functions"]["enrollment"]) => IMetric,
): IMetric[] {
  return Object.entries(functions).map(([name, observed]) => metric(name, observed));
}

function functionRows(service: ObservedService): GraphWidget[][] {
  const duration =
    (statistic: string) =>
    (name: string, { function: handler }: { function: ObservedHandler }) =>
      handler.metricDuration({ period, statistic, label: `${name} ${statistic}` });
  return [
    [
      graph("Duration of functions: median, ms", lines(service, duration(Stats.p(50)))),
      graph(
        "Duration of functions: one in a hundred takes longer, ms",
        lines(service, duration(Stats.p(99))),
      ),
    ],
    [
      graph(
        "Errors of functions",
        lines(service, (label, { function: handler }) => handler.metricErrors({ period, label })),
      ),
      graph(
        "Throttles of functions",
        lines(service, (label, { function: handler }) => handler.metricThrottles({ period, label })),
      ),
    ],
  ];
}

type ObservedHandler = ObservedService["functions"]["enrollment"]["function"];

function issuanceRows(service: ObservedService, logs: LogMetrics): GraphWidget[][] {
  const keys = Object.entries({ ...service.issuingKeys, ...service.rootKeys, ...service.serviceKeys });
  const latency = (statistic: string) =>
    apiMetric(service, "Latency", { statistic, label: `latency ${statistic}` });
  return [
    [
      graph("Certificates issued, in five minutes", [logs.issued], [logs.signingFailures]),
      graph("Unfinished intents: age of the oldest, s", [logs.oldestOpenSeconds], [logs.reconciliations]),
    ],
    [
      graph("Revocations: from the act to the list, or so far, the slowest, s", [logs.revocationWaitSeconds]),
      graph(
        "Runs of publication and maintenance, and what they failed at",
        [logs.publications, logs.maintenances],
        [logs.taskFailures],
      ),
    ],
    [
      graph(
        "API: requests, 4xx, 5xx",
        ["Count", "4xx", "5xx"].map((name) => apiMetric(service, name)),
      ),
      graph("API: latency, ms", [latency(Stats.p(50)), latency(Stats.p(99))]),
    ],
    [
      graph(
        "KMS: signatures by key",
        keys.map(([name, key]) => signatureMetric(name, key)),
      ),
    ],
  ];
}

function storeRows(service: ObservedService): GraphWidget[][] {
  const queues = Object.entries(service.deadLetters).map(([label, queue]) =>
    queue.metricApproximateNumberOfMessagesVisible({ period, label, statistic: Stats.MAXIMUM }),
  );
  const figures = (...names: string[]) => names.map((name) => tableMetric(service.items, name));
  return [
    [
      graph("Table: capacity consumed", figures("ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits")),
      graph(
        "Table: throttles and conflicts",
        figures("WriteThrottleEvents", "ReadThrottleEvents", "TransactionConflict"),
      ),
    ],
    [graph("Dead letters", queues)],
  ];
}

export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, service: ObservedService, logs: LogMetrics) {
    super(scope, id);
    const { stage } = service;
    const markdown = `# Fleetkey, stage ${stage}\nRunbooks: docs/deploy.md. No figure here names a person or a device.`;
    new Dashboard(this, "Dashboard", {
      dashboardName: `fleetkey-${stage}`,
      widgets: [
        [new TextWidget({ markdown, width: 24, height: 2 })],
        ...issuanceRows(service, logs),
        ...functionRows(service),
        ...storeRows(service),
      ],
    });
  }
}
