/** Room: test. A small service with all parts that Observability watches, and the HIPAA pack on it. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack, Validations } from "aws-cdk-lib";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Table } from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { HIPAASecurityChecks } from "cdk-nag";
import type { ObservedFunction, ObservedService } from "../../infra/constructs/observed-service.ts";

export const account = "000000000000";
export const region = "eu-central-1";
export const partOf = (service: string, name: string) => `arn:aws:${service}:${region}:${account}:${name}`;

/** An app with the rule pack on it; `findings` synthesises it and gives what is not acknowledged. */
export function judgedApp(context: Record<string, unknown> = {}): { app: App; findings: () => string[] } {
  const outdir = mkdtempSync(join(tmpdir(), "fleetkey-judged-"));
  const app = new App({ outdir, context });
  Validations.of(app).addPlugins(new HIPAASecurityChecks(app));
  return { app, findings: () => findings(app, outdir) };
}

function findings(app: App, outdir: string): string[] {
  try {
    app.synth();
    return [];
  } catch {
    const report = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8")) as {
      pluginReports: {
        violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[];
      }[];
    };
    return report.pluginReports
      .flatMap((plugin) => plugin.violations)
      .flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
      );
  }
}

export function observedStack(app: App): Stack {
  return new Stack(app, "Observed", { env: { account, region } });
}

/** Everything imported: what is watched here belongs to other stacks. */
export function observedService(stack: Stack, fleets: readonly string[] = ["default"]): ObservedService {
  const key = (name: string) => Key.fromKeyArn(stack, `Key-${name}`, partOf("kms", `key/${name}`));
  const keys = (kind: string) =>
    Object.fromEntries(fleets.map((fleet) => [`${fleet}-${kind}-1`, key(`${fleet}-${kind}`)]));
  const observed = (name: string): ObservedFunction => ({
    function: LambdaFunction.fromFunctionName(stack, `Function-${name}`, `fleetkey-test-${name}`),
    logGroup: LogGroup.fromLogGroupName(stack, `LogGroup-${name}`, `/fleetkey/test/${name}`),
  });
  return {
    stage: "test",
    functions: {
      enrollment: observed("enrollment"),
      distribution: observed("distribution"),
      revocation: observed("revocation"),
      ocsp: observed("ocsp"),
      access: observed("access"),
      reconciliation: observed("reconciliation"),
      publication: observed("publication"),
      maintenance: observed("maintenance"),
      rotation: observed("rotation"),
      protection: observed("protection"),
      rollover: observed("rollover"),
      ceremony: observed("ceremony"),
      servers: observed("servers"),
      safekeeping: observed("safekeeping"),
      bootstrap: observed("bootstrap"),
      provisioning: observed("provisioning"),
    },
    api: HttpApi.fromHttpApiAttributes(stack, "Api", { httpApiId: "api1" }),
    items: Table.fromTableName(stack, "Items", "fleetkey-test-items"),
    subjectKeys: Table.fromTableName(stack, "SubjectKeys", "fleetkey-test-subject-keys"),
    dataKeys: [key("data")],
    issuingKeys: keys("issuing"),
    rootKeys: keys("root"),
    serviceKeys: { ...keys("ocsp"), ...keys("trust") },
    deadLetters: {
      reconciliation: Queue.fromQueueArn(stack, "Queue", partOf("sqs", "fleetkey-test-dead-letters")),
      publication: Queue.fromQueueArn(stack, "Publication", partOf("sqs", "fleetkey-test-publication")),
      maintenance: Queue.fromQueueArn(stack, "Maintenance", partOf("sqs", "fleetkey-test-maintenance")),
      rollover: Queue.fromQueueArn(stack, "Rollover", partOf("sqs", "fleetkey-test-rollover")),
      ceremony: Queue.fromQueueArn(stack, "Ceremony", partOf("sqs", "fleetkey-test-ceremony")),
      servers: Queue.fromQueueArn(stack, "Servers", partOf("sqs", "fleetkey-test-servers")),
      safekeeping: Queue.fromQueueArn(stack, "Safekeeping", partOf("sqs", "fleetkey-test-safekeeping")),
      scheduler: Queue.fromQueueArn(stack, "Schedules", partOf("sqs", "fleetkey-test-scheduler")),
    },
    scheduleGroupName: "fleetkey-test",
    topic: Topic.fromTopicArn(stack, "Topic", partOf("sns", "fleetkey-test")),
  };
}
