/**
 * Room: infra. What stands before the public artefacts: rules that AWS keeps, a limit for each address, and a log
 * of what was refused. AWS WAF does not attach to HTTP APIs, so it stands at CloudFront alone.
 */
import { ArnFormat, Aws, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { CfnLoggingConfiguration, CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";
import { retention } from "../../core/standard/retention.ts";
import { administration, useByLogs } from "./key-policies.ts";

export interface ArtifactFirewallProps {
  readonly stage: string;
  /** Requests that one address may make in five minutes: 100 to 2,000,000. */
  readonly requestsPerAddress: number;
}

interface ManagedRules {
  readonly name: string;
  /** Rules of the group that only count. */
  readonly countOnly?: readonly string[];
}

const managedRules: readonly ManagedRules[] = [
  { name: "AWSManagedRulesAmazonIpReputationList" },
  // Devices and their TLS stacks seldom send a User-Agent: its absence says nothing here.
  { name: "AWSManagedRulesCommonRuleSet", countOnly: ["NoUserAgent_HEADER"] },
  { name: "AWSManagedRulesKnownBadInputsRuleSet" },
];

/** CloudWatch keeps counts; samples would keep readers' addresses, which are identifiers of patients. */
const visibility = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
});

function managedRule({ name, countOnly = [] }: ManagedRules, priority: number): CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: "AWS",
        name,
        // WAF refuses an empty list.
        ...(countOnly.length > 0 && {
          ruleActionOverrides: countOnly.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
        }),
      },
    },
    visibilityConfig: visibility(name),
  };
}

/** A web ACL of scope CLOUDFRONT, which exists in us-east-1 only, with its log. */
export class ArtifactFirewall extends Construct {
  readonly acl: CfnWebACL;
  /** Refused requests only, encrypted, as long as the standard says. */
  readonly log: LogGroup;

  constructor(scope: Construct, id: string, props: ArtifactFirewallProps) {
    super(scope, id);
    this.acl = new CfnWebACL(this, "Acl", {
      name: `fleetkey-${props.stage}-artifacts`,
      description: `What may read the public artefacts of Fleetkey stage ${props.stage}`,
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      rules: [...managedRules.map(managedRule), this.rateLimit(props.requestsPerAddress)],
      // "All" and "Default_Action" are names of WAF's own.
      visibilityConfig: visibility(`fleetkey-${props.stage}-artifacts`),
    });
    this.log = this.createLog(props.stage);
    this.logRefusals();
  }

  private rateLimit(limit: number): CfnWebACL.RuleProperty {
    return {
      name: "RequestsPerAddress",
      priority: managedRules.length,
      action: { block: { customResponse: { responseCode: 429 } } },
      statement: { rateBasedStatement: { limit, aggregateKeyType: "IP", evaluationWindowSec: 300 } },
      visibilityConfig: visibility("RequestsPerAddress"),
    };
  }

  private createLog(stage: string): LogGroup {
    // WAF writes to names with this prefix only.
    const logGroupName = `aws-waf-logs-fleetkey-${stage}`;
    const log = new LogGroup(this, "Log", {
      logGroupName,
      encryptionKey: this.logKey(stage, logGroupName),
      retention: retention.refusedRequests.days,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    log.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("delivery.logs.amazonaws.com")],
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [log.logGroupArn],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    return log;
  }

  private logKey(stage: string, logGroupName: string): Key {
    const uses = useByLogs(this, this.logArn(logGroupName));
    return new Key(this, "LogKey", {
      description: `Encrypts the log of refused requests of Fleetkey stage ${stage}`,
      enableKeyRotation: true,
      policy: new PolicyDocument({ statements: [administration("symmetric"), uses] }),
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private logArn(logGroupName: string): string {
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    const name = { service: "logs", resource: "log-group", resourceName: logGroupName };
    return Stack.of(this).formatArn({ ...name, arnFormat });
  }

  private logRefusals(): void {
    const header = (name: string) => ({ singleHeader: { Name: name } });
    const logging = new CfnLoggingConfiguration(this, "Logging", {
      resourceArn: this.acl.attrArn,
      // The ARN without the `:*` that log policies need.
      logDestinationConfigs: [this.logArn(this.log.logGroupName)],
      redactedFields: [...["authorization", "cookie", "x-forwarded-for"].map(header), { queryString: {} }],
      loggingFilter: {
        DefaultBehavior: "DROP",
        Filters: [
          {
            Behavior: "KEEP",
            Requirement: "MEETS_ANY",
            Conditions: [{ ActionCondition: { Action: "BLOCK" } }],
          },
        ],
      },
    });
    logging.node.addDependency(this.log);
  }
}
