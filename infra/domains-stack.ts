/** Room: infra. The custom domains of one stage, apart from the API so that a new trust store touches nothing else. */
import { CfnParameter, Stack, type StackProps } from "aws-cdk-lib";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { Told } from "./constructs/alarm-actions.ts";
import { type ClientDomain, ClientDomains } from "./constructs/client-domains.ts";

export interface DomainsStackProps extends StackProps {
  readonly api: IHttpApi;
  readonly mutualTls: ClientDomain;
  readonly public: ClientDomain;
  /** @default - no records: the outputs say what each name must point to */
  readonly hostedZone?: { readonly id: string; readonly name: string };
  /** Who is told when a certificate of a domain comes near its end. @default - nobody */
  readonly told?: Told;
  readonly trustStoresBucketName: string;
  /**
   * Context flag `fleetkey:trustStoreVersion`, as it was read. Without one the stack is synthesised all the same, so
   * that what it reads of other stacks stays among their outputs, and asks for the version when it is deployed.
   */
  readonly trustStoreVersion: unknown;
}

/** Deployed after a fleet's bootstrap has written the first trust store: without one API Gateway refuses the domain. */
export class DomainsStack extends Stack {
  constructor(scope: Construct, id: string, props: DomainsStackProps) {
    super(scope, id, props);
    const { api, mutualTls, hostedZone, trustStoresBucketName, trustStoreVersion } = props;
    new ClientDomains(this, "Clients", {
      api,
      mutualTls,
      public: props.public,
      trustStore: {
        bucket: Bucket.fromBucketName(this, "TrustStores", trustStoresBucketName),
        version: trustStoreVersion ?? this.missingVersion(),
      },
      ...(hostedZone && { hostedZone }),
      ...(props.told && { told: props.told }),
    });
  }

  /** A parameter without a value: nothing deploys this stack by mistake. */
  private missingVersion(): string {
    const parameter = new CfnParameter(this, "TrustStoreVersion", {
      description:
        "npm run deploy publishes the trust store and gives its version; by hand: -c fleetkey:trustStoreVersion=VERSION",
      minLength: 1,
    });
    return parameter.valueAsString;
  }
}
