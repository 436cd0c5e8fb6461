/** An owner and an officer who can be the second person, and what they do with approvals. */
import { expect } from "vitest";
import {
  as,
  base,
  type CriticalCall,
  firstOwner,
  invitationCall,
  join,
  openTeam,
  type Person,
  type Reply,
  request,
  type Team,
} from "./team.ts";

export interface Pair {
  readonly team: Team;
  readonly owner: Person;
  readonly officer: Person;
  /** Id of a new approval for `call`, asked for by the owner. */
  asked(call: CriticalCall): Promise<string>;
  approvalOf(approvalId: string): Promise<Reply>;
  challengeNow(approvalId: string): Promise<string>;
  assertWith(person: Person, approvalId: string, credential: unknown): Promise<Reply>;
}

export async function openPair(): Promise<Pair> {
  const team = await openTeam();
  const owner = await firstOwner(team);
  const officer = await join(team, [owner], ["securityOfficer"], "operator-2");
  const approvalOf = (approvalId: string): Promise<Reply> =>
    as(team, owner, { method: "GET", path: `${base}/approvals/${approvalId}` });
  return {
    team,
    owner,
    officer,
    approvalOf,
    async asked(call) {
      const { status, body } = await request(team, owner, call);
      expect(status).toBe(201);
      return String(body["approvalId"]);
    },
    challengeNow: async (approvalId) => String((await approvalOf(approvalId)).body["challenge"]),
    assertWith: (person, approvalId, credential) =>
      as(team, person, { path: `${base}/approvals/${approvalId}/assertions`, body: { credential } }),
  };
}

let serial = 0;

/** An operation that can be executed each time. */
export function newCall(): CriticalCall {
  serial += 1;
  return invitationCall(`operator-new-${serial}`, ["auditor"]);
}
