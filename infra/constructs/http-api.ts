/** Room: infra. The HTTP API: a route for every row of lambdas/routes.ts, and the function that serves it. */
import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  CfnStage,
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
  /** Of each route on which anybody may make the service sign or write. */
  readonly strangerThrottling: Throttling;
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

/** Whoever calls these is known to nobody, and each call may cost a signature or an item. */
const isStrangers = ({ access, touches }: Route): boolean =>
  access === "public" && (touches.keys !== "none" || ["answer", "write"].includes(touches.items));

const routeKey = ({ method, path }: Route): string => `${method} ${path}`;

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
    const created = this.addRoutes(props.functions);
    this.throttleStrangers(created, props.strangerThrottling);
  }

  private addRoutes(functions: HttpApiProps["functions"]): ReadonlyMap<Route, HttpRoute> {
    const integration = (id: FunctionId): HttpLambdaIntegration =>
      new HttpLambdaIntegration(id, functions[id], {
        payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
        // One permission a function: of one a route, a stage of thirty fleets would have more resources than a stack holds.
        scopePermissionToRoute: false,
      });
    const integrations: Readonly<Record<FunctionId, HttpLambdaIntegration>> = {
      enrollment: integration("enrollment"),
      distribution: integration("distribution"),
      revocation: integration("revocation"),
      ocsp: integration("ocsp"),
      access: integration("access"),
      rotation: integration("rotation"),
      protection: integration("protection"),
    };
    const httpApi = this.api;
    const authorizer = new HttpIamAuthorizer();
    const created = everyRoute.map((route) => {
      const made = new HttpRoute(this, route.id, {
        httpApi,
        routeKey: HttpRouteKey.with(route.path, HttpMethod[route.method]),
        integration: integrations[route.function],
        ...(isIamRoute(route) && { authorizer }),
      });
      return [route, made] as const;
    });
    // Says 404 and 405 as the API says everything: with a problem of RFC 9457.
    new HttpRoute(this, "otherwise", {
      httpApi,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations.distribution,
    });
    return new Map(created);
  }

  /** CDK's own stage has one throttle for all routes. */
  private throttleStrangers(created: ReadonlyMap<Route, HttpRoute>, throttling: Throttling): void {
    const { rateLimit: ThrottlingRateLimit, burstLimit: ThrottlingBurstLimit } = throttling;
    const { defaultChild } = this.stage.node;
    if (!(defaultChild instanceof CfnStage))
      throw new Error(`${this.stage.node.path} is made of no AWS::ApiGatewayV2::Stage`);
    const settings = { ThrottlingRateLimit, ThrottlingBurstLimit };
    const strangers = everyRoute.filter(isStrangers);
    defaultChild.routeSettings = Object.fromEntries(strangers.map((route) => [routeKey(route), settings]));
    // API Gateway takes settings of no route that is not there yet.
    this.stage.node.addDependency(...strangers.flatMap((route) => created.get(route) ?? []));
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
