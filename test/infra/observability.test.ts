import { readFileSync } from "node:fs";
import { Match, Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it } from "vitest";
import { signingFailureCodes } from "../../infra/constructs/log-metrics.ts";
import { Observability } from "../../infra/constructs/observability.ts";
import { runbooks } from "../../infra/constructs/runbooks.ts";
import { createLog } from "../../lambdas/http/logger.ts";
import { problems } from "../../lambdas/http/problems.ts";
import { routes, tasks } from "../../lambdas/routes.ts";
import { judgedApp, observedService, observedStack, partOf } from "./observed-stack.ts";

interface Props {
  readonly [name: string]: unknown;
}

function observed({ emulator = false, fleets = ["default"] } = {}) {
  const { app, findings } = judgedApp();
  const stack = observedStack(app);
  new Observability(stack, "Observability", { ...observedService(stack, fleets), emulator });
  return { template: Template.fromStack(stack), findings };
}

const propertiesOf = (template: Template, type: string): Props[] =>
  Object.values(template.findResources(type)).map((resource) => resource["Properties"] as Props);

let template: Template;
let alarms: Props[];
beforeAll(() => {
  ({ template } = observed());
  alarms = propertiesOf(template, "AWS::CloudWatch::Alarm");
});

const alarm = (name: string): Props => {
  const found = alarms.find((props) => props["AlarmName"] === `fleetkey-test-${name}`);
  if (found === undefined) throw new Error(`there is no alarm ${name}`);
  return found;
};

describe("every alarm", () => {
  it("tells the topic when it begins and when it ends", () => {
    const topic = [partOf("sns", "fleetkey-test")];
    const composites = propertiesOf(template, "AWS::CloudWatch::CompositeAlarm");
    for (const props of [...alarms, ...composites])
      expect(props, String(props["AlarmName"])).toMatchObject({ AlarmActions: topic, OKActions: topic });
  });

  it("calls what the stage names besides", () => {
    const { app } = judgedApp();
    const stack = observedStack(app);
    const alarmActions = [partOf("sns", "pager")];
    new Observability(stack, "Observability", { ...observedService(stack), alarmActions });
    for (const type of ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"])
      for (const props of propertiesOf(Template.fromStack(stack), type))
        expect(props["AlarmActions"]).toEqual([partOf("sns", "fleetkey-test"), ...alarmActions]);
  });

  it("names a runbook, says its first step, and says what a time without data means", () => {
    const ids = new Set<string>();
    for (const props of alarms) {
      const description = String(props["AlarmDescription"]);
      const id = /Runbook: docs\/deploy\.md, "([a-z-]+)"\.$/.exec(description)?.[1] ?? "";
      ids.add(id);
      expect(Object.keys(runbooks)).toContain(id);
      expect(["breaching", "notBreaching", "ignore"]).toContain(props["TreatMissingData"]);
    }
    expect([...ids, "domain-certificate", "issuance-failing"].sort()).toEqual(Object.keys(runbooks).sort());
  });

  it("has a runbook in docs/deploy.md", () => {
    const guide = readFileSync("docs/deploy.md", "utf8");
    for (const id of Object.keys(runbooks)) expect(guide).toContain(`#### ${id}\n`);
    for (const notice of ["key.changed", "key.lent", "root_key.lent", "root_key.used"])
      expect(guide).toContain(`#### ${notice}\n`);
  });
});

describe("alarms", () => {
  it.each(
    [...routes, ...tasks].map((row) => row.function).filter((name, at, all) => all.indexOf(name) === at),
  )("function %s: one error or one throttle, unless others may start it while it runs", (name) => {
    const started = ["publication", "maintenance", "rollover", "ceremony", "servers", "safekeeping"].includes(
      name,
    );
    const names = alarms.map((props) => props["AlarmName"]);
    expect(names.includes(`fleetkey-test-${name}-throttles`)).toBe(!started);
    for (const [metric, MetricName] of [
      ["errors", "Errors"],
      ...(started ? [] : [["throttles", "Throttles"]]),
    ]) {
      const props = alarm(`${name}-${metric}`);
      expect(props).toMatchObject({ MetricName, Threshold: 1, TreatMissingData: "notBreaching" });
      expect(JSON.stringify(props["Dimensions"])).toContain(`function:fleetkey-test-${name}"`);
    }
  });

  it("unfinished intents: the oldest is five minutes old", () => {
    expect(alarm("unfinished-intents")).toMatchObject({
      Namespace: "Fleetkey/test",
      MetricName: "OldestOpenIntent",
      Statistic: "Maximum",
      Threshold: 300,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
    });
  });

  it("a reconciler that is silent for five minutes breaches", () => {
    expect(alarm("reconciliation-missing")).toMatchObject({
      MetricName: "Reconciliations",
      Period: 300,
      Threshold: 1,
      ComparisonOperator: "LessThanThreshold",
      TreatMissingData: "breaching",
    });
  });

  it("a revocation that waited more than a minute for its list, or does so still: the first such figure", () => {
    expect(alarm("revocations-unpublished")).toMatchObject({
      Namespace: "Fleetkey/test",
      MetricName: "RevocationWait",
      Statistic: "Maximum",
      Period: 60,
      Threshold: 60,
      ComparisonOperator: "GreaterThanThreshold",
      EvaluationPeriods: 1,
      TreatMissingData: "ignore",
    });
  });

  it("a publisher that is silent for five minutes, maintenance for fifteen; either that goes on failing at something", () => {
    expect(alarm("publication-missing")).toMatchObject({
      MetricName: "Publications",
      Period: 300,
      Threshold: 1,
      ComparisonOperator: "LessThanThreshold",
      TreatMissingData: "breaching",
    });
    expect(alarm("maintenance-missing")).toMatchObject({
      MetricName: "Maintenances",
      Period: 300,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 3,
      TreatMissingData: "breaching",
    });
    expect(alarm("rotation-missing")).toMatchObject({
      MetricName: "Invocations",
      Period: 300,
      EvaluationPeriods: 3,
    });
    expect(alarm("safekeeping-missing")).toMatchObject({
      MetricName: "Invocations",
      Period: 300,
      EvaluationPeriods: 3,
      TreatMissingData: "breaching",
    });
    // Whoever tells that a server's certificate ends is the one that is silent.
    expect(alarm("servers-missing")).toMatchObject({
      MetricName: "Invocations",
      Period: 3_600,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 3,
      TreatMissingData: "breaching",
    });
    expect(alarm("tasks-failing")).toMatchObject({
      MetricName: "TaskFailures",
      Threshold: 1,
      EvaluationPeriods: 4,
      DatapointsToAlarm: 3,
    });
  });

  it("API: more than 1 % of the requests answered with 5xx in two of three times five minutes", () => {
    expect(alarm("api-server-errors")).toMatchObject({
      Threshold: 1,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 2,
      Metrics: expect.arrayContaining([
        expect.objectContaining({ Expression: "IF(requests > 0, 100 * errors / requests, 0)" }),
      ]),
    });
  });

  it("each table: ten throttled calls in each of two times five minutes", () => {
    for (const [name, table] of Object.entries({ table: "items", "subject-keys": "subject-keys" }))
      for (const [way, MetricName] of Object.entries({
        read: "ReadThrottleEvents",
        write: "WriteThrottleEvents",
      }))
        expect(alarm(`${name}-${way}-throttles`)).toMatchObject({
          MetricName,
          Threshold: 10,
          EvaluationPeriods: 2,
          Dimensions: [{ Name: "TableName", Value: `fleetkey-test-${table}` }],
        });
  });

  it("a dead letter, a failed or a dropped invocation of the schedule", () => {
    for (const name of ["reconciliation", "publication", "maintenance", "scheduler"])
      expect(alarm(`${name}-dead-letters`)).toMatchObject({
        MetricName: "ApproximateNumberOfMessagesVisible",
        Threshold: 1,
      });
    expect(alarm("schedule-target-errors")).toMatchObject({ MetricName: "TargetErrorCount", Threshold: 1 });
    expect(alarm("schedule-invocations-dropped")).toMatchObject({ MetricName: "InvocationDroppedCount" });
  });
});

describe("figures from log lines", () => {
  const filters = () => propertiesOf(template, "AWS::Logs::MetricFilter");

  it("signing failures: error lines of the functions that sign, by codes of the product", () => {
    const signing = filters().filter((props) => JSON.stringify(props).includes('"SigningFailures"'));
    expect(signing.map((props) => props["LogGroupName"]).sort()).toEqual([
      "/fleetkey/test/bootstrap",
      "/fleetkey/test/ceremony",
      "/fleetkey/test/enrollment",
      "/fleetkey/test/ocsp",
      "/fleetkey/test/publication",
      "/fleetkey/test/reconciliation",
      "/fleetkey/test/servers",
    ]);
    const codes = signingFailureCodes.map((code) => `($.code = "${code}")`).join(" || ");
    for (const props of signing) expect(props["FilterPattern"]).toBe(`{ ($.level = "error") && (${codes}) }`);
    for (const code of signingFailureCodes) expect(Object.keys(problems)).toContain(code);
  });

  it("what publication, maintenance and rotation say of their runs: members that the logger writes as numbers", () => {
    for (const [MetricName, MetricValue] of [
      ["Publications", "1"],
      // One figure of two members: the alarm takes the maximum.
      ["RevocationWait", "$.oldestPendingSeconds"],
      ["RevocationWait", "$.slowestSeconds"],
      ["TaskFailures", "$.failed"],
    ])
      template.hasResourceProperties("AWS::Logs::MetricFilter", {
        LogGroupName: "/fleetkey/test/publication",
        FilterPattern: '{ $.event = "published" }',
        MetricTransformations: [Match.objectLike({ MetricName, MetricValue, DefaultValue: Match.absent() })],
      });
    for (const [MetricName, MetricValue] of Object.entries({ Maintenances: "1", TaskFailures: "$.failed" }))
      template.hasResourceProperties("AWS::Logs::MetricFilter", {
        LogGroupName: "/fleetkey/test/maintenance",
        FilterPattern: '{ $.event = "maintained" }',
        MetricTransformations: [Match.objectLike({ MetricName, MetricValue, DefaultValue: Match.absent() })],
      });
    template.hasResourceProperties("AWS::Logs::MetricFilter", {
      LogGroupName: "/fleetkey/test/rollover",
      FilterPattern: '{ $.event = "rotated" }',
      MetricTransformations: [
        Match.objectLike({
          MetricName: "TaskFailures",
          MetricValue: "$.failed",
          DefaultValue: Match.absent(),
        }),
      ],
    });
    template.hasResourceProperties("AWS::Logs::MetricFilter", {
      LogGroupName: "/fleetkey/test/safekeeping",
      FilterPattern: '{ $.event = "safekept" }',
      MetricTransformations: [Match.objectLike({ MetricName: "TaskFailures", MetricValue: "$.failed" })],
    });
    let line = "";
    const said = { pending: 2, oldestPendingSeconds: 7, slowestSeconds: 61, failed: 0 };
    createLog({ write: (text) => (line += text) }).info("published", said);
    expect(JSON.parse(line)).toMatchObject({ event: "published", ...said });
  });

  it("the age of intents: a member that the logger writes as a number", () => {
    template.hasResourceProperties("AWS::Logs::MetricFilter", {
      LogGroupName: "/fleetkey/test/reconciliation",
      FilterPattern: '{ $.event = "reconciled" }',
      MetricTransformations: [
        {
          MetricNamespace: "Fleetkey/test",
          MetricName: "OldestOpenIntent",
          MetricValue: "$.oldestOpenSeconds",
          Unit: "Seconds",
          DefaultValue: Match.absent(),
        },
      ],
    });
    let line = "";
    createLog({ write: (text) => (line += text) }).info("reconciled", { oldestOpenSeconds: 7 });
    expect(JSON.parse(line)).toMatchObject({ event: "reconciled", oldestOpenSeconds: 7 });
  });
});

describe("watch on keys", () => {
  const rules = () => propertiesOf(template, "AWS::Events::Rule");
  const rule = (event: string) => {
    const found = rules().find((props) => String(props["Description"]).startsWith(`${event}: `));
    if (found === undefined) throw new Error(`there is no rule ${event}`);
    return found;
  };
  const arn = (name: string) => partOf("kms", `key/${name}`);

  it.each([
    [
      "key.changed",
      ["data", "default-root", "default-issuing", "default-ocsp", "default-trust"],
      "ScheduleKeyDeletion",
    ],
    ["key.lent", ["default-issuing", "default-ocsp", "default-trust"], "CreateGrant"],
    ["root_key.lent", ["default-root"], "CreateGrant"],
    ["root_key.used", ["default-root"], "Sign"],
  ])("%s names its keys, no wildcard among them", (event, keys, call) => {
    expect(rule(event)["EventPattern"]).toMatchObject({
      source: ["aws.kms"],
      detail: { eventName: expect.arrayContaining([call]), resources: { ARN: keys.map(arn) } },
    });
  });

  it("a signature is a read, which a rule sees only when it asks for all management events", () => {
    expect(rule("root_key.used")["State"]).toBe("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS");
    expect(rule("key.changed")["State"]).toBe("ENABLED");
  });

  it("tells neither who called nor from where", () => {
    for (const props of rules()) {
      const [target] = props["Targets"] as { InputTransformer: { InputPathsMap: Record<string, string> } }[];
      expect(Object.values(target?.InputTransformer.InputPathsMap ?? {}).sort()).toEqual([
        "$.detail.eventID",
        "$.detail.eventName",
        "$.detail.eventTime",
        "$.detail.resources[0].ARN",
      ]);
    }
  });

  it("splits the keys of many fleets, so that no pattern exceeds 2,048 characters", () => {
    const fleets = Array.from({ length: 40 }, (_, index) => `fleet-${index}`);
    const many = propertiesOf(observed({ fleets }).template, "AWS::Events::Rule");
    expect(many.length).toBe(11 + 11 + 3);
    for (const props of many) expect(JSON.stringify(props["EventPattern"]).length).toBeLessThan(2_048);
  });
});

describe("the whole", () => {
  it("has no finding of the HIPAA pack and acknowledges none", () => {
    expect(observed().findings()).toEqual([]);
  });

  it("for the emulator leaves out metric math, composite alarms and CloudTrail, nothing else", () => {
    const { template: emulated } = observed({ emulator: true });
    const names = propertiesOf(emulated, "AWS::CloudWatch::Alarm").map((props) => props["AlarmName"]);
    expect(names.sort()).toEqual(
      alarms
        .map((props) => props["AlarmName"])
        .filter((name) => !/^fleetkey-test-(api-server-errors|key-watch-)/.test(String(name)))
        .sort(),
    );
    for (const type of ["AWS::CloudWatch::CompositeAlarm", "AWS::Events::Rule"])
      emulated.resourceCountIs(type, 0);
    const math = propertiesOf(emulated, "AWS::CloudWatch::Alarm").filter((props) => "Metrics" in props);
    expect(math.map((props) => props["AlarmName"])).toEqual([]);
  });

  it("tells of every rule that could not tell", () => {
    const rules = Object.keys(observed().template.findResources("AWS::Events::Rule"));
    const watched = alarms
      .filter((props) => props["MetricName"] === "FailedInvocations")
      .flatMap((props) => props["Dimensions"] as readonly { readonly Value: { readonly Ref: string } }[])
      .map(({ Value }) => Value.Ref);
    expect(watched.sort()).toEqual(rules.sort());
  });

  it("shows the service on one dashboard", () => {
    const [dashboard] = propertiesOf(template, "AWS::CloudWatch::Dashboard");
    const body = JSON.stringify(dashboard);
    for (const figure of [
      "CertificatesIssued",
      "OldestOpenIntent",
      "RevocationWait",
      "TaskFailures",
      "TransactionConflict",
      "SuccessfulRequest",
      "p99",
    ])
      expect(body).toContain(figure);
  });
});
