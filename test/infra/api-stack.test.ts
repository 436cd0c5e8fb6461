import { beforeAll, describe, expect, it } from "vitest";
import { defaultReservedConcurrency } from "../../infra/configuration/concurrency.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import {
  ofType,
  type SynthesisedStage,
  statementsOf,
  statementsOfRole,
  synthesise,
} from "./synthesised-stage.ts";

let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({ fleets: { pumps: { trustDomain: "pumps.example.org" } } });
});

const properties = (type: string, from = stage): Readonly<Record<string, unknown>>[] =>
  ofType(from.api, type).map(([, resource]) => resource.Properties);

const functionOf = (id: string, from = stage): Readonly<Record<string, unknown>> => {
  const found = properties("AWS::Lambda::Function", from).find(({ Description: description }) =>
    String(description).endsWith(`: ${id}`),
  );
  if (found === undefined) throw new Error(`there is no function ${id}`);
  return found;
};

const ids = Object.keys(defaultReservedConcurrency);

describe("functions", () => {
  it("run Node 24 on arm64, one a duty", () => {
    expect(properties("AWS::Lambda::Function")).toHaveLength(ids.length);
    for (const id of ids)
      expect(functionOf(id)).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
      });
  });

  it("have their concurrency reserved as the stage says", () => {
    for (const [id, reserved] of Object.entries(defaultReservedConcurrency))
      expect(functionOf(id)["ReservedConcurrentExecutions"], id).toBe(reserved);
    const none = synthesise({ reservedConcurrency: "none" });
    for (const id of ids) expect(functionOf(id, none)).not.toHaveProperty("ReservedConcurrentExecutions");
    const some = synthesise({ reservedConcurrency: { enrollment: 7, revocation: "none" } });
    expect(functionOf("enrollment", some)["ReservedConcurrentExecutions"]).toBe(7);
    expect(functionOf("revocation", some)).not.toHaveProperty("ReservedConcurrentExecutions");
    expect(functionOf("provisioning", some)["ReservedConcurrentExecutions"]).toBe(10);
  });

  it("have their environment encrypted under the data key", () => {
    for (const id of ids) expect(functionOf(id)["KmsKeyArn"], id).toMatch(/^StateDataKey\w+\.Arn$/);
  });

  it("know what their duty needs and nothing else", () => {
    const variables = (id: string): string[] =>
      Object.keys((functionOf(id)["Environment"] as { Variables: object }).Variables).toSorted();
    const keyed = ["FLEETKEY_KEY_ALIAS_PREFIX", "FLEETKEY_TABLE"];
    expect(variables("enrollment")).toEqual(keyed);
    expect(variables("reconciliation")).toEqual([...keyed, "FLEETKEY_TOPIC_ARN"]);
    expect(variables("bootstrap")).toEqual(
      [
        ...keyed,
        "FLEETKEY_TOPIC_ARN",
        "FLEETKEY_FLEETS",
        "FLEETKEY_ARTIFACTS_BUCKET",
        "FLEETKEY_TRUST_STORES_BUCKET",
        "FLEETKEY_RECORDS_BUCKET",
      ].toSorted(),
    );
    const protecting = ["FLEETKEY_SUBJECT_KEYS_TABLE", "FLEETKEY_TABLE", "FLEETKEY_TOPIC_ARN"];
    expect(variables("protection")).toEqual(
      [...protecting, "FLEETKEY_WRAPPING_KEYS", "FLEETKEY_SAFEKEEPING_FUNCTION"].toSorted(),
    );
    expect(variables("safekeeping")).toEqual(
      [...protecting, "FLEETKEY_WRAPPING_KEYS", "FLEETKEY_KEY_RECOVERY_DAYS"].toSorted(),
    );
    expect(variables("ocsp")).toEqual(keyed);
    expect(variables("publication")).toEqual(
      [...keyed, "FLEETKEY_ARTIFACTS_BUCKET", "FLEETKEY_TOPIC_ARN"].toSorted(),
    );
    expect(variables("maintenance")).toEqual([
      "FLEETKEY_PUBLICATION_FUNCTION",
      "FLEETKEY_TABLE",
      "FLEETKEY_TOPIC_ARN",
    ]);
    expect(variables("distribution")).toEqual(["FLEETKEY_ARTIFACTS_BUCKET", "FLEETKEY_TABLE"]);
    expect(variables("revocation")).toEqual([
      "FLEETKEY_MAINTENANCE_FUNCTION",
      "FLEETKEY_PUBLICATION_FUNCTION",
      "FLEETKEY_TABLE",
    ]);
    for (const id of ["access", "provisioning"]) expect(variables(id)).toEqual(["FLEETKEY_TABLE"]);
    expect(functionOf("revocation")["Environment"]).toMatchObject({
      Variables: {
        FLEETKEY_MAINTENANCE_FUNCTION: expect.stringMatching(/^Servicemaintenance/),
        FLEETKEY_PUBLICATION_FUNCTION: expect.stringMatching(/^Servicepublication/),
      },
    });
    const notifying = [...["FLEETKEY_TABLE", "FLEETKEY_TOPIC_ARN"], "FLEETKEY_PUBLICATION_FUNCTION"];
    expect(variables("rollover")).toEqual(
      [
        ...[...notifying, "FLEETKEY_CEREMONY_ROLE", "FLEETKEY_DATA_KEYS"],
        ...["FLEETKEY_CEREMONY_FUNCTION", "FLEETKEY_MAINTENANCE_FUNCTION"],
      ].toSorted(),
    );
    expect(variables("ceremony")).toEqual(
      [
        ...[...notifying, "FLEETKEY_KEY_ALIAS_PREFIX", "FLEETKEY_ROLLOVER_FUNCTION"],
        ...["FLEETKEY_ARTIFACTS_BUCKET", "FLEETKEY_TRUST_STORES_BUCKET", "FLEETKEY_RECORDS_BUCKET"],
      ].toSorted(),
    );
    expect(variables("servers")).toEqual(
      [...notifying, "FLEETKEY_KEY_ALIAS_PREFIX", "FLEETKEY_STAGE"].toSorted(),
    );
    expect(functionOf("bootstrap")["Environment"]).toMatchObject({
      Variables: {
        FLEETKEY_KEY_ALIAS_PREFIX: "fleetkey/test",
        FLEETKEY_FLEETS: JSON.stringify({
          pumps: { trustDomain: "pumps.example.org", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" },
        }),
      },
    });
  });

  it("that answer requests end before API Gateway stops waiting, and enrolment outlasts its own patience", () => {
    for (const { function: id } of routes) expect(functionOf(id)["Timeout"], id).toBeLessThan(30);
    expect(functionOf("enrollment")["Timeout"]).toBeGreaterThan(12);
  });

  it("that nobody waits for keep what they failed at: encrypted, TLS only, 14 days", () => {
    const withQueue = ids.filter((id) => functionOf(id)["DeadLetterConfig"] !== undefined);
    const unattended = [
      "ceremony",
      "maintenance",
      "publication",
      "reconciliation",
      "rollover",
      "safekeeping",
      "servers",
    ];
    expect(withQueue.toSorted()).toEqual(unattended);
    const queues = ofType(stage.api, "AWS::SQS::Queue");
    expect(queues).toHaveLength(unattended.length + 1);
    for (const [id, { Properties }] of queues) {
      expect(Properties).toMatchObject({
        KmsMasterKeyId: expect.stringMatching(/^StateOperationsKey\w+\.Arn$/),
        MessageRetentionPeriod: 14 * 86_400,
      });
      const policy = properties("AWS::SQS::QueuePolicy").find(({ Queues: own }) =>
        (own as string[]).includes(id),
      );
      expect(statementsOf(policy?.["PolicyDocument"])).toMatchObject([
        { Effect: "Deny", Action: ["sqs:*"], Condition: { Bool: { "aws:SecureTransport": "false" } } },
      ]);
    }
  });
});

describe("logs", () => {
  it("45 CFR 164.312(b): one a function and one of requests, encrypted, six years, longer than the stack", () => {
    const logs = ofType(stage.api, "AWS::Logs::LogGroup");
    const names = [...ids, "requests"].map((id) => `/fleetkey/test/${id}`);
    expect(logs.map(([, { Properties }]) => Properties["LogGroupName"]).toSorted()).toEqual(names.toSorted());
    for (const [id, log] of logs) {
      expect(log.Properties, id).toMatchObject({
        RetentionInDays: 2_192,
        KmsKeyId: expect.stringMatching(/^StateOperationsKey\w+\.Arn$/),
      });
      expect(log.DeletionPolicy).toBe("RetainExceptOnCreate");
      expect(log.UpdateReplacePolicy).toBe("Retain");
    }
    for (const id of ids)
      expect(functionOf(id)["LoggingConfig"]).toEqual({
        LogFormat: "Text",
        LogGroup: logs.find(
          ([, { Properties }]) => Properties["LogGroupName"] === `/fleetkey/test/${id}`,
        )?.[0],
      });
  });

  it("45 CFR 164.514(b)(2)(i)(O): the log of requests holds no address, and nothing that a caller can write", () => {
    const [{ AccessLogSettings: settings } = { AccessLogSettings: {} }] =
      properties("AWS::ApiGatewayV2::Stage");
    const format = JSON.parse((settings as { Format: string }).Format) as Record<string, string>;
    const variables = Object.values(format);
    for (const variable of variables) {
      expect(variable).toMatch(/^\$context\.[A-Za-z.]+$/);
      expect(variable).not.toMatch(/sourceIp|userAgent|\.path|rawQuery|subjectDN|caller|user/i);
    }
    expect(variables).toEqual(
      expect.arrayContaining(["$context.requestId", "$context.routeKey", "$context.status"]),
    );
  });
});

describe("HTTP API", () => {
  const executeApi = (from: SynthesisedStage): unknown =>
    properties("AWS::ApiGatewayV2::Api", from)[0]?.["DisableExecuteApiEndpoint"] ?? false;

  it("has exactly the routes of lambdas/routes.ts, each to its function, and one for what is none of them", () => {
    const target = new Map(ofType(stage.api, "AWS::ApiGatewayV2::Integration"));
    const served = properties("AWS::ApiGatewayV2::Route").map((route) => {
      const integration = target.get(String(route["Target"]).replace("integrations/", ""));
      const uri = String(integration?.Properties["IntegrationUri"]);
      return `${route["RouteKey"]} → ${/^Service([a-z]+)Function/.exec(uri)?.[1]}`;
    });
    const expected = routes.map((route) => `${route.method} ${route.path} → ${route.function}`);
    expect(served.toSorted()).toEqual([...expected, "$default → distribution"].toSorted());
  });

  it("asks for SigV4 on exactly the routes that IAM lets call, and for nothing of its own on the others", () => {
    const everyRoute: readonly Route[] = routes;
    const signed = everyRoute.filter(({ access }) => access !== "public" && access.by.includes("iam"));
    expect(signed.length).toBeGreaterThan(0);
    const keysOf = (type: string): string[] =>
      properties("AWS::ApiGatewayV2::Route")
        .filter((route) => (route["AuthorizationType"] ?? "NONE") === type)
        .map((route) => String(route["RouteKey"]));
    expect(keysOf("AWS_IAM").toSorted()).toEqual(
      signed.map(({ method, path }) => `${method} ${path}`).toSorted(),
    );
    expect(keysOf("NONE")).toHaveLength(routes.length + 1 - signed.length);
    for (const { path } of everyRoute)
      expect(
        signed.some((route) => route.path === path),
        path,
      ).toBe(path.startsWith("/v1/iam/fleets/{fleet}/"));
  });

  it("sends payload format 2.0, and API Gateway alone, for this API alone, may invoke", () => {
    for (const integration of properties("AWS::ApiGatewayV2::Integration"))
      expect(integration).toMatchObject({ PayloadFormatVersion: "2.0", IntegrationType: "AWS_PROXY" });
    const permissions = properties("AWS::Lambda::Permission");
    // Each function's resource policy has one statement, however many routes it serves.
    expect(permissions).toHaveLength(new Set(routes.map((route) => route.function)).size);
    for (const permission of permissions) {
      expect(permission["Principal"]).toBe("apigateway.amazonaws.com");
      expect(permission["SourceArn"]).toMatch(/execute-api:AWS::Region:AWS::AccountId:ServiceHttpApi\w+\//);
    }
  });

  it("is throttled", () => {
    expect(properties("AWS::ApiGatewayV2::Stage")).toMatchObject([
      {
        StageName: "$default",
        DefaultRouteSettings: { ThrottlingRateLimit: 1_000, ThrottlingBurstLimit: 500 },
      },
    ]);
  });

  it("of strangers takes fewer requests on each route that signs or writes for them", () => {
    const everyRoute: readonly Route[] = routes;
    const costly = everyRoute.filter(
      ({ access, touches: { keys, items } }) =>
        access === "public" && (keys !== "none" || ["answer", "write"].includes(items)),
    );
    const keys = costly.map(({ method, path }) => `${method} ${path}`);
    expect(keys).toEqual(
      expect.arrayContaining(["POST /v1/fleets/{fleet}/ocsp", "POST /v1/fleets/{fleet}/challenges"]),
    );
    const [[, gatewayStage] = [undefined, undefined]] = ofType(stage.api, "AWS::ApiGatewayV2::Stage");
    expect(gatewayStage?.Properties["RouteSettings"]).toEqual(
      Object.fromEntries(keys.map((key) => [key, { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50 }])),
    );
    // API Gateway refuses settings of a route that is not there yet.
    const made = JSON.stringify(gatewayStage);
    for (const { id } of costly) expect(made).toMatch(new RegExp(`"ServiceHttp${id}[0-9A-F]{8}"`));
  });

  it("answers under the gateway's own name only while it has no domain: that is a way around mutual TLS", () => {
    const certificateArn =
      "arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef";
    const domains = {
      mutualTls: { name: "devices.example.org", certificateArn },
      public: { name: "api.example.org", certificateArn },
    };
    expect(executeApi(stage)).toBe(false);
    const where = { account: "123456789012", region: "eu-central-1" };
    const version = { "fleetkey:trustStoreVersion": "3HL4kqtJvjVBH40Nrjfkd" };
    expect(executeApi(synthesise({ ...where, domains }, version))).toBe(true);
    expect(executeApi(synthesise({ ...where, domains })), "before there is a trust store").toBe(true);
  });
});

describe("schedules", () => {
  it("run each task that routes.ts gives a period, retry within it, and keep what could not be handed over", () => {
    const schedule = (id: string, expression: string, seconds: number) => ({
      ScheduleExpression: expression,
      Target: expect.objectContaining({
        Arn: expect.stringMatching(new RegExp(`^Service${id}`)),
        DeadLetterConfig: { Arn: expect.stringMatching(/^ServiceSchedulesDeadLetters/) },
        RetryPolicy: { MaximumEventAgeInSeconds: seconds, MaximumRetryAttempts: 2 },
      }),
    });
    expect(properties("AWS::Scheduler::Schedule")).toMatchObject([
      schedule("reconciliation", "rate(1 minute)", 60),
      schedule("publication", "rate(1 minute)", 60),
      schedule("maintenance", "rate(5 minutes)", 300),
      schedule("rollover", "rate(5 minutes)", 300),
      schedule("servers", "rate(60 minutes)", 3_600),
      schedule("safekeeping", "rate(5 minutes)", 300),
    ]);
  });

  it("are not what is repeated: the next run does it; what others start may wait behind a run for five minutes", () => {
    const ages = properties("AWS::Lambda::EventInvokeConfig").map((config) => {
      expect(config["MaximumRetryAttempts"]).toBe(0);
      const [, id] = /^Service([a-z]+)Function/.exec(String(config["FunctionName"])) ?? [];
      return [id, config["MaximumEventAgeInSeconds"]];
    });
    expect(Object.fromEntries(ages)).toEqual({
      ...{ reconciliation: 60, publication: 300, maintenance: 300 },
      ...{ rollover: 300, ceremony: 300, servers: 300, safekeeping: 300 },
    });
  });

  it("are run by a role that starts the scheduled functions, keeps what it cannot hand over, and does nothing else", () => {
    const actions = statementsOfRole(stage.api, "-scheduler").flatMap(({ Action }) => Action);
    expect(new Set(actions)).toEqual(
      new Set(["lambda:InvokeFunction", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"]),
    );
  });

  it("and whoever revokes start the same function, by its name", () => {
    for (const id of ["publication", "maintenance"]) {
      const [policy] = ofType(stage.api, "AWS::IAM::ManagedPolicy").filter(([name]) =>
        name.startsWith("ServicerevocationPolicy"),
      );
      const starts = statementsOf(policy?.[1].Properties["PolicyDocument"]).filter(
        ({ Action }) => Action.join() === "lambda:InvokeFunction",
      );
      expect(starts).toHaveLength(1);
      expect(starts[0]?.Resource).toContainEqual(
        expect.stringMatching(new RegExp(`^Service${id}Function\\w+\\.Arn$`)),
      );
    }
  });

  it("let the scheduler of this account alone take their role", () => {
    const [role] = properties("AWS::IAM::Role").filter(({ RoleName: name }) =>
      String(name).endsWith("-scheduler"),
    );
    expect(role?.["AssumeRolePolicyDocument"]).toMatchObject({
      Statement: [
        {
          Principal: { Service: "scheduler.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceAccount": "AWS::AccountId" } },
        },
      ],
    });
  });
});
