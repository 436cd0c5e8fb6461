/** Room: scripts/deployment. Who deploys, where to, and whether the account is ready for the CDK. */
import { GetParameterCommand, ParameterNotFound, type SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import { emulatorAccount } from "../../infra/configuration/emulator.ts";
import { StepFailure } from "./failure.ts";

export interface Caller {
  /** Twelve digits. */
  readonly account: string;
  readonly arn: string;
}

/** Where a stage must be deployed to, when its configuration says so. */
export interface Place {
  readonly stage: string;
  readonly account?: string | undefined;
  readonly region?: string | undefined;
}

const remedyOf = (stage: string): string =>
  `sign in to the account of stage ${stage} (AWS_PROFILE, or the variables of a role's session), then run the same command again`;

/** Throws StepFailure when there are no credentials, or they are the root user's. */
export async function identifyCaller(sts: STSClient, stage: string): Promise<Caller> {
  let identity: { readonly Account?: string | undefined; readonly Arn?: string | undefined };
  try {
    identity = await sts.send(new GetCallerIdentityCommand({}));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StepFailure(`AWS does not take the credentials: ${reason}`, remedyOf(stage), error);
  }
  const { Account: account = "", Arn: arn = "" } = identity;
  // The root user is bound by no policy, so nothing of what the stacks forbid would hold for it.
  if (arn.endsWith(":root") && account !== emulatorAccount) {
    throw new StepFailure(`${arn} is the account's root user`, "deploy as a role; see docs/deploy.md");
  }
  return { account, arn };
}

/** Throws StepFailure unless the credentials lead where the stage belongs. */
export function assertPlace(place: Place, caller: Caller, region: string): void {
  if (place.account !== undefined && place.account !== caller.account) {
    throw new StepFailure(
      `stage ${place.stage} belongs to account ${place.account}; the credentials are of ${caller.account}`,
      remedyOf(place.stage),
    );
  }
  if (place.region !== undefined && place.region !== region) {
    throw new StepFailure(
      `stage ${place.stage} belongs to region ${place.region}; the environment says ${region}`,
      `set AWS_REGION=${place.region}, or leave it out`,
    );
  }
}

/**
 * What may be said of how the caller signed in. STS does not tell whether a session was opened with a second factor
 * once it is open, so a role's trust policy has to demand it (aws:MultiFactorAuthPresent).
 */
export function signInAdvice({ arn }: Caller): string | undefined {
  if (!arn.includes(":user/")) return undefined;
  return (
    "this is a user's own access key, which needs no second factor; deploy production as a role whose trust policy " +
    "demands aws:MultiFactorAuthPresent"
  );
}

/** The version of the CDK's bootstrap stack; undefined when there is none. */
export async function bootstrapVersion(ssm: SSMClient): Promise<number | undefined> {
  try {
    const name = "/cdk-bootstrap/hnb659fds/version";
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    return Number(Parameter?.Value ?? 0);
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
}
