/** Room: scripts/rehearsal. Roots are lent and taken back by the deployed roles themselves; in between one of them signs. */
import {
  CreateGrantCommand,
  DescribeKeyCommand,
  type GrantOperation,
  RevokeGrantCommand,
  SignCommand,
} from "@aws-sdk/client-kms";
import type { Clients } from "./aws-clients.ts";
import { type RehearsedStage, roleOf } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

/** Whether that role signs with the key now. */
async function signs({ kms }: Clients, KeyId: string, ...tokens: readonly string[]): Promise<boolean> {
  try {
    const message = { Message: Buffer.from("rehearsal"), MessageType: "RAW" } as const;
    await kms.send(
      new SignCommand({ KeyId, ...message, SigningAlgorithm: "ECDSA_SHA_384", GrantTokens: [...tokens] }),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && /^AccessDenied/.test(error.name)) return false;
    throw error;
  }
}

async function rootArn({ clients, stage, fleet }: RehearsedStage): Promise<string> {
  const KeyId = `alias/fleetkey/${stage}/${fleet.fleet}-root-1`;
  const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
  return KeyMetadata?.Arn ?? "";
}

export async function rehearseLoans(stage: RehearsedStage, report: Report): Promise<void> {
  const KeyId = await rootArn(stage);
  const [rollover, ceremony, bootstrap] = await Promise.all(
    ["rollover", "ceremony", "bootstrap"].map((duty) => stage.clients.as(roleOf(stage, duty))),
  );
  if (rollover === undefined || ceremony === undefined || bootstrap === undefined) return;
  const GranteePrincipal = `arn:aws:iam::${stage.account}:role/${roleOf(stage, "ceremony")}`;
  const Operations: GrantOperation[] = ["Sign"];
  const loan = { KeyId, GranteePrincipal, Name: "rehearsal", Operations };
  await report.check(
    "a root that rollover lends signs for the ceremony alone, until it is taken back",
    async () => {
      expectThat(!(await signs(ceremony, KeyId)), "it signs before it is lent");
      const { GrantId, GrantToken = "" } = await rollover.kms.send(new CreateGrantCommand(loan));
      expectThat(await signs(ceremony, KeyId, GrantToken), "it does not sign while it is lent");
      for (const [name, other] of Object.entries({ rollover, bootstrap }))
        expectThat(!(await signs(other, KeyId, GrantToken)), `it signs for ${name} too`);
      await rollover.kms.send(new RevokeGrantCommand({ KeyId, GrantId }));
      expectThat(!(await signs(ceremony, KeyId)), "it signs after it was taken back");
    },
  );
  for (const clients of [rollover, ceremony, bootstrap]) clients.close();
}
