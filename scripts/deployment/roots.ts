/**
 * Room: scripts/deployment. Roots sign for nobody until they are lent. A deployment lends those of one fleet to the
 * bootstrap function, by a person with a second factor, and takes them back as soon as it has answered.
 */
import {
  CreateGrantCommand,
  DescribeKeyCommand,
  type KMSClient,
  NotFoundException,
  RevokeGrantCommand,
} from "@aws-sdk/client-kms";
import type { FleetConfiguration } from "../../infra/configuration/fleets.ts";
import { generationsOf } from "../../infra/configuration/key-generations.ts";
import { authorityAlias, roleNameIn } from "../../infra/constructs/deployment-names.ts";
import { StepFailure } from "./failure.ts";

export interface RootsRequest {
  readonly kms: KMSClient;
  readonly stage: string;
  readonly region: string;
  readonly fleet: string;
  readonly configuration: Pick<FleetConfiguration, "keys">;
}

interface Loan {
  readonly keyId: string;
  readonly grantId: string;
  readonly token: string;
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && error.name === "AccessDeniedException";

function refusal(fleet: string, error: unknown): StepFailure {
  return new StepFailure(
    `the roots of fleet ${fleet} cannot be lent to the bootstrap: AWS lets only a session with a second factor do that, ` +
      "of a role that may kms:DescribeKey, kms:CreateGrant and kms:RevokeGrant on them",
    "sign in with MFA (aws sts assume-role … --serial-number DEVICE --token-code CODE) and run the same command again; " +
      "where no root has to sign, such as in a pipeline, add --without-roots. See docs/deploy.md, Who may deploy",
    error,
  );
}

/** ARN of a root's key that can be lent; undefined for one that is gone, disabled, or on its way to destruction. */
async function enabledKey(
  { kms, stage, fleet }: RootsRequest,
  generation: number,
): Promise<string | undefined> {
  const KeyId = authorityAlias(stage, fleet, `root-${generation}`);
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    return KeyMetadata?.KeyState === "Enabled" ? KeyMetadata.Arn : undefined;
  } catch (error) {
    if (error instanceof NotFoundException) return undefined;
    throw error;
  }
}

/** `arn:PARTITION:kms:REGION:ACCOUNT:key/…` names the account and partition of the role too. */
function bootstrapRole({ stage, region }: RootsRequest, keyArn: string): string {
  const [, partition = "", , , account = ""] = keyArn.split(":");
  return `arn:${partition}:iam::${account}:role/${roleNameIn(region, stage, "bootstrap")}`;
}

async function lend(request: RootsRequest, keyId: string): Promise<Loan> {
  const { GrantId, GrantToken } = await request.kms.send(
    new CreateGrantCommand({
      KeyId: keyId,
      // By this name KMS knows a loan that an earlier run has left, and gives it again.
      Name: `deployment-${request.fleet}`,
      GranteePrincipal: bootstrapRole(request, keyId),
      Operations: ["Sign"],
    }),
  );
  if (GrantId === undefined || GrantToken === undefined)
    throw new StepFailure(`KMS lent ${keyId} without saying how`, "run the same command again");
  return { keyId, grantId: GrantId, token: GrantToken };
}

async function takeBack({ kms }: RootsRequest, { keyId, grantId }: Loan): Promise<void> {
  try {
    await kms.send(new RevokeGrantCommand({ KeyId: keyId, GrantId: grantId }));
  } catch (error) {
    if (error instanceof NotFoundException) return;
    throw new StepFailure(
      `${keyId} is still lent to the bootstrap function`,
      `aws kms revoke-grant --key-id ${keyId} --grant-id ${grantId}, or run the same command again`,
      error,
    );
  }
}

/** Takes back all that it can, and then tells of the first that it could not. */
async function takeAllBack(request: RootsRequest, loans: readonly Loan[]): Promise<void> {
  const ended = await Promise.allSettled(loans.map((loan) => takeBack(request, loan)));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/**
 * Runs `work` while the fleet's roots are lent to the bootstrap function, with the tokens of their loans; whatever comes
 * of it, they are back when this settles.
 * @throws StepFailure when they cannot be lent, with the remedy, or taken back, with the command that does; what `work` throws.
 */
export async function withRoots<Result>(
  request: RootsRequest,
  work: (grantTokens: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const loans: Loan[] = [];
  try {
    try {
      for (const { generation } of generationsOf(request.configuration.keys, "root")) {
        const keyId = await enabledKey(request, generation);
        if (keyId !== undefined) loans.push(await lend(request, keyId));
      }
    } catch (error) {
      throw isRefusal(error) ? refusal(request.fleet, error) : error;
    }
    return await work(loans.map(({ token }) => token));
  } finally {
    await takeAllBack(request, loans);
  }
}
