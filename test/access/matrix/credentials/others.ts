/** Room: test. Nothing at all, what API Gateway has verified for us, and what a request for a certificate brings itself. */
import { type DeviceKey, deviceCsr, deviceKey } from "../../../support/device.ts";
import { type Credential, refusedWith } from "../credential.ts";
import { fleets, principalOf, type ReturningState, type Side, sides, type World } from "../world.ts";

const nothing = async () => ({});

const none: Credential = {
  name: "none",
  side: "own",
  state: "fresh",
  holder: { kind: "nobody" },
  present: nothing,
};

const principals: readonly Credential[] = [
  ...sides.map(
    (side): Credential => ({
      name: "IAM principal",
      side,
      state: "fresh",
      holder: { kind: "principal" },
      // Trusted by the other fleet, and here nobody's.
      ...refusedWith(side === "own" ? undefined : "access_denied"),
      present: async () => ({ principal: principalOf(fleets[side]) }),
    }),
  ),
  {
    name: "IAM principal",
    side: "own",
    state: "of another role",
    holder: { kind: "principal" },
    refusal: "access_denied",
    present: async () => ({ principal: principalOf(fleets.own).replace("/ci-", "/ci-evil-") }),
  },
];

const base64Csr = (key: DeviceKey): string => deviceCsr(key).toString("base64");

const keyStates = {
  fresh: ["let in", (world: World, side: Side) => world.registeredKeys(side).fresh],
  replayed: ["credential_spent", (world: World, side: Side) => world.registeredKeys(side).replayed],
  wrongKey: ["device_unknown", () => deviceKey()],
} as const;

const registeredKeys = sides.flatMap((side) =>
  (Object.keys(keyStates) as (keyof typeof keyStates)[]).map((state): Credential => {
    const [outcome, keyOf] = keyStates[state];
    return {
      name: "registered key",
      side,
      state,
      holder: { kind: "nobody" },
      enrolment: side === "own" ? outcome : "device_unknown",
      ...(state === "replayed" ? { twice: true as const } : {}),
      present: nothing,
      enrolmentBody: (world) => ({ csr: base64Csr(keyOf(world, side)) }),
    };
  }),
);

interface ReturnState {
  readonly state: string;
  readonly device: ReturningState;
  readonly enrolment: string;
  /** The request is signed by a key that is not the certificate's, or is the one that the certificate answered. */
  readonly request?: "of another key" | "of before";
}

const returnStates: readonly ReturnState[] = [
  { state: "fresh", device: "fresh", enrolment: "let in" },
  { state: "expired", device: "tooLate", enrolment: "credential_expired" },
  { state: "revoked", device: "revoked", enrolment: "client_certificate_revoked" },
  { state: "wrongKey", device: "fresh", enrolment: "credential_invalid", request: "of another key" },
  // A request is no secret: whoever saw it could send it again.
  { state: "replayed", device: "fresh", enrolment: "credential_invalid", request: "of before" },
  { state: "of a look-alike authority", device: "wrongKey", enrolment: "credential_invalid" },
];

/** In the body, for no handshake takes an expired certificate: the request's own signature proves the key. */
const returning = sides.flatMap((side) =>
  returnStates.map(
    ({ state, device, enrolment, request }): Credential => ({
      name: "previous certificate",
      side,
      state,
      holder: { kind: "nobody" },
      enrolment: side === "own" ? enrolment : "credential_invalid",
      present: nothing,
      enrolmentBody(world) {
        const { certificate, key, csr: answered } = world.returning(side, device);
        const requestOf = {
          "of another key": () => deviceCsr(deviceKey()),
          "of before": () => answered,
          new: () => deviceCsr(key),
        };
        const csr = requestOf[request ?? "new"]().toString("base64");
        return { csr, previousCertificate: certificate };
      },
    }),
  ),
);

export const others: readonly Credential[] = [none, ...principals, ...registeredKeys, ...returning];
