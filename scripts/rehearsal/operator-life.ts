/** Room: scripts/rehearsal. The first passkey, a session, an approval, a second operator who may only read. */

import { backendEntry } from "./data-at-rest.ts";
import { as, member, type Person, perform, type Reply, register, send, sessionHeaders } from "./person.ts";
import { pipelineEntry } from "./pipeline-life.ts";
import { operatorCredential, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

function expectRefusal({ status, code }: Reply, expected: string): string {
  expectThat(code === expected, `answered ${status} ${code ?? ""}, not ${expected}`);
  return `${status} ${expected}`;
}

/** What the fleet accepts from here on: what it did before, one IAM role, and one backend. */
const configuration = ({ account }: RehearsedStage) => ({
  operation: "configureFleet",
  method: "PUT" as const,
  path: "/configuration",
  body: { accepts: ["token"], pipelines: [pipelineEntry(account), backendEntry] },
});

async function firstPasskey(stage: RehearsedStage): Promise<Person> {
  const invited = await send(
    stage,
    { path: "/passkey-invitations", body: {} },
    await operatorCredential(stage),
  );
  return register(stage, "operator-1", member(invited, "url"));
}

/** In the function that otherwise only reads: its role may remember proofs, and nothing else. */
async function replayed(stage: RehearsedStage, person: Person): Promise<string> {
  const call = { method: "GET", path: "/certificates?limit=1" } as const;
  const headers = await sessionHeaders(stage, person, call);
  const { status, code } = await send(stage, { ...call, headers });
  expectThat(status === 200, `the first was answered ${status} ${code ?? ""}`);
  return expectRefusal(await send(stage, { ...call, headers }), "proof_replayed");
}

async function stolen(stage: RehearsedStage, person: Person, other: Person): Promise<string> {
  const call = { method: "GET", path: "" } as const;
  return expectRefusal(await as(stage, { ...person, key: other.key }, call), "session_invalid");
}

/** Invited by the owner, who alone can do that yet, and signed in with a passkey. */
export async function invite(
  stage: RehearsedStage,
  owner: Person,
  operatorId: string,
  role: string,
): Promise<Person> {
  const body = { operatorId, roles: [role] };
  const invited = await perform(stage, owner, { operation: "inviteOperator", path: "/operators", body });
  return register(stage, operatorId, member(invited, "url"));
}

/**
 * Resolves to the fleet's owner.
 * @param serialNumber Of a certificate in force, which the auditor tries to revoke.
 */
export async function rehearseOperatorLife(
  stage: RehearsedStage,
  serialNumber: string,
  report: Report,
): Promise<Person> {
  const change = configuration(stage);
  await report.check("the operator's certificate alone changes nothing critical", async () => {
    const { method, path, body } = change;
    const refused = await send(stage, { method, path, body }, await operatorCredential(stage));
    return expectRefusal(refused, "approval_required");
  });
  const owner = await report.need("it registers the fleet's first passkey, and signs in with it", () =>
    firstPasskey(stage),
  );
  await report.check("there is no second first passkey", async () => {
    const again = { path: "/passkey-invitations", body: {} };
    return expectRefusal(await send(stage, again, await operatorCredential(stage)), "access_denied");
  });
  await report.check("a session's proof counts once", () => replayed(stage, owner));
  await report.need("it approves a new configuration with its passkey, and the fleet has it", async () => {
    const { status, code, body } = await perform(stage, owner, change);
    expectThat(status === 200 && body["configurationVersion"] === 1, `answered ${status} ${code ?? ""}`);
  });
  const auditor = await report.need("it invites an auditor, who registers a passkey", () =>
    invite(stage, owner, "operator-2", "auditor"),
  );
  await report.check("the auditor reads", async () => {
    const { status, code } = await as(stage, auditor, {
      method: "GET",
      path: `/certificates/${serialNumber}`,
    });
    expectThat(status === 200, `answered ${status} ${code ?? ""}`);
  });
  await report.check("the auditor revokes nothing, and invites nobody", async () => {
    const revoke = { path: `/certificates/${serialNumber}/revocation`, body: { reason: "superseded" } };
    const invite = { path: "/operators", body: { operatorId: "operator-3", roles: ["owner"] } };
    expectRefusal(await as(stage, auditor, revoke), "role_not_permitted");
    return expectRefusal(await as(stage, auditor, invite), "role_not_permitted");
  });
  await report.check("a session with another's key opens nothing", () => stolen(stage, owner, auditor));
  return owner;
}
