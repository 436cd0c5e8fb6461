/** Room: test. Every credential of the matrix, and the combinations of kind and state that nothing can be. */
import type { CommonState, Credential } from "./credential.ts";
import { certificates } from "./credentials/certificates.ts";
import { others } from "./credentials/others.ts";
import { secrets } from "./credentials/secrets.ts";
import { sessions } from "./credentials/sessions.ts";

export type { Credential, Presented, Target } from "./credential.ts";

export const credentials: readonly Credential[] = [...certificates, ...sessions, ...secrets, ...others];

const handshake =
  "TLS proves the key anew in each handshake, which API Gateway vouches for: nothing to replay";
const worthless = "is worth nothing in any state";
const gateway = "API Gateway verifies a signature before there is an event, and SigV4 bears its own time";
const nothing = "there is nothing to be in that state";

type Impossible = Readonly<Partial<Record<CommonState | "other fleet", string>>>;

/** Of somebody who was suspended: in its other states it is a credential like others. */
function oneState(like: string): Impossible {
  const reason = `has one state of its own, else it is as ${like}`;
  return { fresh: reason, expired: reason, wrongKey: reason, replayed: reason };
}

/** Why a kind of credential has no cell in a state, by the beginning of its name. The rest has cells. */
export const impossible: readonly (readonly [kind: string, Impossible])[] = [
  [
    "none",
    { expired: nothing, revoked: nothing, wrongKey: nothing, replayed: nothing, "other fleet": nothing },
  ],
  [
    "operator certificate in headers",
    { expired: worthless, revoked: worthless, wrongKey: worthless, replayed: worthless },
  ],
  ["certificate: root", { expired: worthless, revoked: worthless, replayed: handshake }],
  [
    "certificate: garbage",
    { expired: worthless, revoked: worthless, wrongKey: worthless, replayed: handshake },
  ],
  [
    "certificate of a device's maker",
    {
      revoked:
        "a maker's own list is not read: SECURITY.md, residual risks; retiring the device is what ends it",
      replayed: handshake,
    },
  ],
  [
    "certificate of an owner who was suspended",
    { ...oneState("any operator's certificate"), replayed: handshake },
  ],
  ["certificate from before", { ...oneState("any operator's certificate"), replayed: handshake }],
  ["certificate of", { replayed: handshake }],
  ["session of an owner who was suspended", oneState("any session")],
  ["session from before", oneState("any session")],
  [
    "proof of a key",
    { revoked: "a key that no session is bound to is nobody's to revoke", "other fleet": "names no fleet" },
  ],
  [
    "approval",
    {
      wrongKey: "an assertion of an unknown key is refused when it is made: assertions.test.ts",
      "other fleet": "has a state of its own, of another fleet, for it goes with a credential of this one",
    },
  ],
  [
    "enrolment token",
    { revoked: "is not revoked: it is used up, or expires; a suspended device's is refused at issuance" },
  ],
  [
    "pipeline token",
    {
      revoked: "issuers publish no list of revoked tokens; its age ends it, and so does removing the entry",
      replayed: "a job makes more than one call with it: docs/divergences.md",
    },
  ],
  ["IAM principal", { expired: gateway, revoked: gateway, wrongKey: gateway, replayed: gateway }],
  [
    "registered key",
    {
      expired: "a registration has no end",
      revoked: "a registration is not withdrawn: the device is retired",
    },
  ],
];
