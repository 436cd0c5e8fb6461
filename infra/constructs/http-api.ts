/** Room: infra. The HTTP API: a route for every row of lambdas/routes.ts, and the function that serves it. */
import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  HttpApi as GatewayApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
  PayloadFormatVersion,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { PipelineOperation } from "../../core/standard/access.ts";
import { retention } from "../../core/standard/retention.ts";
import { type FunctionId, type Route, routes } from "../../lambdas/routes.ts";
import { iamRouteResources, isIamRoute } from "../configuration/iam-routes.ts";
import { logGroupName } from "./deployment-names.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";

export interface Throttling {
  /** Requests a second, over time. */
  readonly rateLimit: number;
  /** Requests at once. */
  readonly burstLimit: number;
}

export interface HttpApiProps {
  readonly state: FleetKeyState;
  readonly functions: Readonly<Record<FunctionId, IFunction>>;
  /** API Gateway's own name for the API answers; a way around mutual TLS where there is a domain. */
  readonly executeApiEndpoint: boolean;
  readonly throttling: Throttling;
}

/**
 * What the log tells of a request: never an address (45 CFR 164.514(b)(2)(i)(O)), a path or a header, which a caller
 * may have put anything into. The client certificate's serial number is the caller's opaque id.
 */
const requestLine = {
  requestId: "$context.requestId",
  time: "$context.requestTimeEpoch",
  route: "$context.routeKey",
  status: "$context.status",
  protocol: "$context.protocol",
  octets: "$context.responseLength",
  milliseconds: "$context.responseLatency",
  integrationMilliseconds: "$context.integrationLatency",
  integrationStatus: "$context.integrationStatus",
  integrationError: "$context.integrationErrorMessage",
  error: "$context.error.responseType",
  clientCertificate: "$context.identity.clientCert.serialNumber",
} as const;

const everyRoute: readonly Route[] = routes;

export class HttpApi extends Construct {
  readonly api: GatewayApi;
  readonly stage: HttpStage;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id);
    const { state, executeApiEndpoint } = props;
    this.api = new GatewayApi(this, "Api", {
      apiName: `fleetkey-${state.stage}`,
      description: `Fleetkey stage ${state.stage}`,
      createDefaultStage: false,
      disableExecuteApiEndpoint: !executeApiEndpoint,
    });
    this.logGroup = new LogGroup(this, "Requests", {
      logGroupName: logGroupName(state.stage, "requests"),
      encryptionKey: state.operationsKey,
      retention: retention.activityLogs.days,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.stage = new HttpStage(this, "Stage", {
      httpApi: this.api,
      stageName: "$default",
      autoDeploy: true,
      throttle: props.throttling,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.logGroup),
        format: AccessLogFormat.custom(JSON.stringify(requestLine)),
      },
    });
    this.addRoutes(props.functions);
  }

  private addRoutes(functions: HttpApiProps["functions"]): void {
    const integration = (id: FunctionId): HttpLambdaIntegration =>
      new HttpLambdaIntegration(id, functions[id], {
        payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
      });
    const integrations: Readonly<Record<FunctionId, HttpLambdaIntegration>> = {
      enrollment: integration("enrollment"),
      distribution: integration("distribution"),
      revocation: integration("revocation"),
      access: integration("access"),
    };
    const httpApi = this.api;
    const authorizer = new HttpIamAuthorizer();
    for (const route of everyRoute)
      new HttpRoute(this, route.id, {
        httpApi,
        routeKey: HttpRouteKey.with(route.path, HttpMethod[route.method]),
        integration: integrations[route.function],
        ...(isIamRoute(route) && { authorizer }),
      });
    // Says 404 and 405 as the API says everything: with a problem of RFC 9457.
    new HttpRoute(this, "otherwise", {
      httpApi,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations.distribution,
    });
  }

  /** ARNs of the routes of one fleet that IAM lets call, for `execute-api:Invoke`. */
  iamRouteArns(fleet: string, operations?: readonly PipelineOperation[]): string[] {
    return iamRouteResources(fleet, operations).map((resourceName) =>
      Stack.of(this).formatArn({
        service: "execute-api",
        resource: this.api.apiId,
        resourceName,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    );
  }
}
