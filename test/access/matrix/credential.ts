/** Room: test. What a cell of the matrix presents: a credential of a kind, in one of its states, of one of two fleets. */
import type { EventOptions } from "../../lambdas/gateway-event.ts";
import type { RoleName } from "./expectations.ts";
import type { Side, World } from "./world.ts";

/** What is presented, but for method and path. */
export type Presented = Pick<EventOptions, "headers" | "certificate" | "principal">;

/** The call at which it is presented. */
export interface Target {
  readonly method: string;
  readonly path: string;
  /** Id of the route, parameters of its path but the fleet, and body: for what is made for one operation. */
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** @default {} */
  readonly body?: unknown;
}

/** Of whom the credential speaks when it holds. */
export type Holder =
  | { readonly kind: "nobody" }
  | { readonly kind: "operator"; readonly role: RoleName; readonly by: "certificate" | "session" }
  | { readonly kind: "device"; readonly standing: "active" | "quarantined" | "suspended" | "retired" }
  | { readonly kind: "claim" }
  /** `permitted`: an entry of the configuration lets it do what the route is for. */
  | { readonly kind: "backend"; readonly backend: "permitted" | "idle" | "unlisted" }
  | { readonly kind: "certificate" }
  | { readonly kind: "token" | "invitation" | "pipeline" | "principal" | "proof" };

/** What an approval that goes with an operator's credential makes of a critical operation. */
export interface ApprovalOutcome {
  /** Refused whatever the operation; undefined when it is good. */
  readonly refusal?: string;
  /** People whose assertions count. */
  readonly persons: number;
}

export interface Credential {
  readonly name: string;
  readonly side: Side;
  readonly state: string;
  readonly holder: Holder;
  /** The code with which it is refused wherever it is looked at; undefined when it holds. */
  readonly refusal?: string;
  /** What an enrolment says to it, where that is not what its kind gets. */
  readonly enrolment?: string;
  readonly approval?: ApprovalOutcome;
  /** Presented twice, with another request each time, and the second time is judged. */
  readonly twice?: true;
  present(world: World, target: Target): Promise<Presented>;
  /** Members of the body of an enrolment. @default a new key's CSR */
  enrolmentBody?(world: World): Readonly<Record<string, string>>;
}

/** Of the states that every kind of credential is tried in. */
export const commonStates = ["fresh", "expired", "revoked", "wrongKey", "replayed"] as const;
export type CommonState = (typeof commonStates)[number];

/** `{ refusal }`, or nothing for what holds. */
export const refusedWith = (refusal: string | undefined): { readonly refusal?: string } =>
  refusal === undefined ? {} : { refusal };
