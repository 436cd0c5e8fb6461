/** Room: test. What proves itself by being known: enrolment tokens, invitations, and tokens that an issuer signed. */
import { randomBytes } from "node:crypto";
import { invitationItem } from "../../../../core/records/invitation-record.ts";
import { tokenItem } from "../../../../core/records/token-record.ts";
import { type Credential, type Presented, refusedWith } from "../credential.ts";
import { audience, digestOf, fleets, type Side, sides, subject, type World } from "../world.ts";

interface SecretState {
  readonly state: string;
  readonly refusal?: string;
  readonly isSpent?: true;
  readonly isExpired?: true;
  readonly isUnknown?: true;
  readonly operatorId?: string;
  readonly twice?: true;
}

const common: readonly SecretState[] = [
  { state: "fresh" },
  { state: "expired", isExpired: true, refusal: "credential_expired" },
  { state: "wrongKey", isUnknown: true, refusal: "credential_invalid" },
];
const states: Readonly<Record<"token" | "invitation", readonly SecretState[]>> = {
  token: [
    ...common,
    { state: "replayed", twice: true, refusal: "credential_spent" },
    { state: "spent, and expired since", isSpent: true, isExpired: true, refusal: "credential_spent" },
  ],
  invitation: [
    ...common,
    { state: "replayed", isSpent: true, refusal: "credential_spent" },
    { state: "revoked", operatorId: "operator-leaver", refusal: "operator_not_active" },
    {
      state: "revoked: from before its operator was suspended and taken back",
      operatorId: "operator-returner",
      refusal: "operator_not_active",
    },
  ],
};

async function presentSecret(
  world: World,
  kind: "token" | "invitation",
  side: Side,
  { isSpent, isExpired, isUnknown, operatorId = "operator-owner" }: SecretState,
): Promise<Presented> {
  const value = randomBytes(32).toString("base64url");
  const now = world.house.clock.now();
  const record = {
    fleet: fleets[side],
    digest: digestOf(value),
    state: isSpent === true ? "spent" : "fresh",
    // Before anybody of the world was suspended.
    createdAt: now - 86_400_000,
    expiresAt: isExpired === true ? now - 1 : now + 3_600_000,
    createdBy: "operator:x",
  } as const;
  const token = { ...record, deviceId: `pump-${record.digest.slice(0, 12)}`, profile: "device" } as const;
  const invitation = { ...record, operatorId, kind: "approved" } as const;
  if (isUnknown !== true) await world.put(kind === "token" ? tokenItem(token) : invitationItem(invitation));
  return { headers: { authorization: `Bearer ${value}` } };
}

const known = (["token", "invitation"] as const).flatMap((kind) =>
  sides.flatMap((side) =>
    states[kind].map(
      (each): Credential => ({
        name: kind === "token" ? "enrolment token" : "invitation",
        side,
        state: each.state,
        holder: { kind },
        ...refusedWith(each.refusal),
        ...(each.twice === true ? { twice: true as const } : {}),
        present: (world) => presentSecret(world, kind, side, each),
      }),
    ),
  ),
);

interface JwtState {
  readonly state: string;
  readonly refusal?: string;
  readonly claims?: (now: number) => Readonly<Record<string, unknown>>;
  readonly key?: "other" | "none" | "publicPem";
}

const jwtStates: readonly JwtState[] = [
  { state: "fresh" },
  { state: "not allowed", claims: () => ({ sub: "repo:acme/idle:main" }), refusal: "access_denied" },
  { state: "of another repository", claims: () => ({ sub: `${subject}-evil` }), refusal: "token_invalid" },
  { state: "expired", claims: (now) => ({ exp: now - 60 }), refusal: "token_expired" },
  // Without a list of revoked tokens, age is what ends them.
  { state: "too old", claims: (now) => ({ iat: now - 3_700, exp: now + 300 }), refusal: "token_expired" },
  { state: "wrongKey", key: "other", refusal: "token_invalid" },
  { state: "unsigned", key: "none", refusal: "token_invalid" },
  { state: "HS256 with the public key", key: "publicPem", refusal: "token_invalid" },
];

const pipelines = sides.flatMap((side) =>
  jwtStates.map(
    ({ state, refusal, claims = () => ({}), key }): Credential => ({
      name: "pipeline token",
      side,
      state,
      holder: { kind: "pipeline" },
      ...refusedWith(refusal),
      async present(world) {
        const now = Math.floor(world.house.clock.now() / 1000);
        const own = { sub: subject, aud: `${audience}/${fleets[side]}`, iat: now, exp: now + 300 };
        const token = await world.issuer.sign({ ...own, ...claims(now) }, key === undefined ? {} : { key });
        // An empty signature is no JWS at all; one of nobody's is judged.
        return { headers: { authorization: `Bearer ${token}${key === "none" ? "AA" : ""}` } };
      },
    }),
  ),
);

export const secrets: readonly Credential[] = [...known, ...pipelines];
