/** Room: test. How each credential is presented, in each of its states, and what the door is to make of it. */
import { randomBytes } from "node:crypto";
import { invitationItem } from "../../../core/records/invitation-record.ts";
import { sessionItem } from "../../../core/records/session-record.ts";
import { tokenItem } from "../../../core/records/token-record.ts";
import type { EventOptions } from "../../lambdas/gateway-event.ts";
import type { RoleName } from "./expectations.ts";
import {
  audience,
  type CertificateHolder,
  type CertificateState,
  digestOf,
  fleets,
  origin,
  principal,
  roleNames,
  type Side,
  subject,
  type World,
} from "./world.ts";

/** What is presented, but for method and path. */
export type Presented = Pick<EventOptions, "headers" | "certificate" | "principal">;

export interface Target {
  readonly method: string;
  readonly path: string;
}

/** Of whom the credential speaks when it holds. */
export type Holder =
  | { readonly kind: "nobody" }
  | { readonly kind: "operator"; readonly role: RoleName; readonly by: "certificate" | "session" }
  | { readonly kind: "device"; readonly standing: "active" | "quarantined" | "suspended" | "retired" }
  | { readonly kind: "claim" }
  | { readonly kind: "certificate" }
  | { readonly kind: "token" | "invitation" | "pipeline" | "principal" | "proof" };

export interface Credential {
  readonly name: string;
  readonly side: Side;
  readonly state: string;
  readonly holder: Holder;
  /** The code with which it is refused wherever it is looked at; undefined when it holds. */
  readonly refusal?: string;
  /** Presented twice, and the second time is judged. */
  readonly twice?: true;
  present(world: World, target: Target): Promise<Presented>;
}

const sides: readonly Side[] = ["own", "other"];

const holders: readonly (readonly [CertificateHolder, Holder])[] = [
  ...roleNames.map((role) => [role, { kind: "operator", role, by: "certificate" }] as const),
  ["device", { kind: "device", standing: "active" }],
  ["quarantined", { kind: "device", standing: "quarantined" }],
  ["suspended", { kind: "device", standing: "suspended" }],
  ["retired", { kind: "device", standing: "retired" }],
  ["claim", { kind: "claim" }],
  ["server", { kind: "certificate" }],
];

const refusals: Readonly<Record<CertificateState, string | undefined>> = {
  fresh: undefined,
  expired: "client_certificate_expired",
  revoked: "client_certificate_revoked",
  wrongKey: "client_certificate_untrusted",
};

/** A certificate has no replay: its key is proved in each TLS handshake, which the gateway vouches for. */
function certificates(): Credential[] {
  const states = Object.keys(refusals) as CertificateState[];
  const issued = sides.flatMap((side) =>
    states.flatMap((state) =>
      holders.map(([name, holder]): Credential => {
        const refusal = name === "server" ? "client_certificate_untrusted" : refusals[state];
        return {
          name: `certificate of ${name}`,
          side,
          state,
          holder,
          ...(refusal === undefined ? {} : { refusal }),
          present: async (world) => ({ certificate: world.certificate(name, side, state) }),
        };
      }),
    ),
  );
  const foreign = sides.flatMap((side) =>
    (["root", "garbage"] as const).map(
      (name): Credential => ({
        name: `certificate: ${name}`,
        side,
        state: "fresh",
        holder: { kind: "certificate" },
        refusal: "client_certificate_untrusted",
        present: async (world) => ({ certificate: world.certificate(name, side, "fresh") }),
      }),
    ),
  );
  return [...issued, ...foreign];
}

const secret = (): string => randomBytes(32).toString("base64url");

const sessionStates = {
  fresh: undefined,
  expired: "session_invalid",
  revoked: "session_invalid",
  wrongKey: "session_invalid",
  replayed: "proof_replayed",
  unproved: "proof_missing",
  otherUrl: "proof_invalid",
} as const;

async function presentSession(
  world: World,
  side: Side,
  role: RoleName,
  state: keyof typeof sessionStates,
  target: Target,
): Promise<Presented> {
  const fleet = fleets[side];
  const token = `${fleet}.${secret()}`;
  const now = world.house.clock.now();
  await world.put(
    sessionItem({
      fleet,
      sessionId: digestOf(token),
      operatorId: `operator-${role}`,
      keyThumbprint: world.key.thumbprint,
      state: state === "revoked" ? "ended" : "active",
      createdAt: now,
      expiresAt: state === "expired" ? now - 1 : now + 1_800_000,
    }),
  );
  const key = state === "wrongKey" ? world.otherKey : world.key;
  const path = state === "otherUrl" ? `${target.path}/elsewhere` : target.path;
  const dpop = await key.proof({ method: target.method, url: origin + path, accessToken: token, now });
  const authorization = `DPoP ${token}`;
  return { headers: state === "unproved" ? { authorization } : { authorization, dpop } };
}

function sessions(): Credential[] {
  const states = Object.entries(sessionStates) as [keyof typeof sessionStates, string | undefined][];
  return sides.flatMap((side) =>
    states.flatMap(([state, refusal]) =>
      roleNames.map(
        (role): Credential => ({
          name: `session of ${role}`,
          side,
          state,
          holder: { kind: "operator", role, by: "session" },
          ...(refusal === undefined ? {} : { refusal }),
          ...(state === "replayed" ? { twice: true as const } : {}),
          present: (world, target) => presentSession(world, side, role, state, target),
        }),
      ),
    ),
  );
}

type SecretState = "fresh" | "expired" | "spent" | "wrongKey";
const secretRefusals: Readonly<Record<SecretState, string | undefined>> = {
  fresh: undefined,
  expired: "credential_expired",
  spent: "credential_spent",
  wrongKey: "credential_invalid",
};

async function presentSecret(
  world: World,
  kind: "token" | "invitation",
  side: Side,
  state: SecretState,
): Promise<Presented> {
  const value = secret();
  const now = world.house.clock.now();
  const record = {
    fleet: fleets[side],
    digest: digestOf(value),
    state: state === "spent" ? "spent" : "fresh",
    createdAt: now,
    expiresAt: state === "expired" ? now - 1 : now + 3_600_000,
    createdBy: "operator:x",
  } as const;
  const token = { ...record, deviceId: `pump-${record.digest.slice(0, 12)}`, profile: "device" } as const;
  const invitation = { ...record, operatorId: "operator-owner", kind: "approved" } as const;
  if (state !== "wrongKey") await world.put(kind === "token" ? tokenItem(token) : invitationItem(invitation));
  return { headers: { authorization: `Bearer ${value}` } };
}

function secrets(): Credential[] {
  const states = Object.entries(secretRefusals) as [SecretState, string | undefined][];
  return (["token", "invitation"] as const).flatMap((kind) =>
    sides.flatMap((side) =>
      states.map(
        ([state, refusal]): Credential => ({
          name: kind === "token" ? "enrolment token" : "invitation",
          side,
          state,
          holder: { kind },
          // A secret names no fleet: at another one it is unknown.
          ...(refusal === undefined ? {} : { refusal }),
          present: (world) => presentSecret(world, kind, side, state),
        }),
      ),
    ),
  );
}

interface JwtState {
  readonly state: string;
  readonly refusal?: string;
  readonly claims?: (now: number) => Readonly<Record<string, unknown>>;
  readonly key?: "other" | "none" | "publicPem";
  /** The entry that covers it allows nothing. */
  readonly idle?: true;
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

/** A pipeline's token may be shown again until it is too old: a job makes more than one call. */
function tokens(): Credential[] {
  return sides.flatMap((side) =>
    jwtStates.map(
      ({ state, refusal, claims = () => ({}), key }): Credential => ({
        name: "pipeline token",
        side,
        state,
        holder: { kind: "pipeline" },
        ...(refusal === undefined ? {} : { refusal }),
        async present(world) {
          const now = Math.floor(world.house.clock.now() / 1000);
          const all = {
            sub: subject,
            aud: `${audience}/${fleets[side]}`,
            iat: now,
            exp: now + 300,
            ...claims(now),
          };
          const token = await world.issuer.sign(all, key === undefined ? {} : { key });
          // An empty signature is no JWS at all; one of nobody's is judged.
          return { headers: { authorization: `Bearer ${token}${key === "none" ? "AA" : ""}` } };
        },
      }),
    ),
  );
}

const others: readonly Credential[] = [
  { name: "none", side: "own", state: "fresh", holder: { kind: "nobody" }, present: async () => ({}) },
  {
    name: "IAM principal",
    side: "own",
    state: "fresh",
    holder: { kind: "principal" },
    present: async () => ({ principal }),
  },
  {
    name: "IAM principal",
    side: "own",
    state: "of another role",
    holder: { kind: "principal" },
    refusal: "access_denied",
    present: async () => ({ principal: principal.replace("/ci/", "/ci-evil/") }),
  },
  ...(["fresh", "replayed", "otherUrl"] as const).map(
    (state): Credential => ({
      name: "proof of a key",
      side: "own",
      state,
      holder: { kind: "proof" },
      ...(state === "replayed" ? { refusal: "proof_replayed", twice: true as const } : {}),
      ...(state === "otherUrl" ? { refusal: "proof_invalid" } : {}),
      async present({ key, house }, { method, path }) {
        const url = `${origin}${path}${state === "otherUrl" ? "/elsewhere" : ""}`;
        return { headers: { dpop: await key.proof({ method, url, now: house.clock.now() }) } };
      },
    }),
  ),
  {
    name: "operator certificate in headers",
    side: "own",
    state: "fresh",
    holder: { kind: "nobody" },
    async present(world) {
      const pem = encodeURIComponent(world.certificate("owner", "own", "fresh"));
      return {
        headers: { "x-client-cert": pem, "x-amzn-mtls-clientcert": pem, "x-forwarded-client-cert": pem },
      };
    },
  },
];

export const credentials: readonly Credential[] = [
  ...certificates(),
  ...sessions(),
  ...secrets(),
  ...tokens(),
  ...others,
];
