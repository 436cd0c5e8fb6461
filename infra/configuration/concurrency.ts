/** Room: infra. How many executions of each function run at once: what one of them can take from the others, and from KMS. */
import type { FunctionId, TaskFunctionId } from "../../lambdas/routes.ts";
import { type Place, readNumber, readTable, report } from "./members.ts";

export type DeployedFunctionId = FunctionId | TaskFunctionId;

/** Executions held for a function, and its limit; `undefined`: it shares what the account has left. */
export type ReservedConcurrency = Readonly<Record<DeployedFunctionId, number | undefined>>;

export const defaultReservedConcurrency = {
  // KMS signs 1,000 times a second with the elliptic keys of an account; at 100 ms each, 100 executions ask for that.
  enrollment: 100,
  distribution: 100,
  revocation: 20,
  // Anyone may ask, and what is not in store is signed: half of what enrolment may ask of KMS.
  ocsp: 50,
  // People sign in, and pipelines do not come here.
  access: 20,
  // One at a time: a second run would find the intents that the first one holds.
  reconciliation: 1,
  // A second run takes up what came after the first had read.
  publication: 2,
  maintenance: 1,
  // People and pipelines come here, seldom.
  rotation: 10,
  // Backends wait here for keys of data, which clients of ours keep for a minute.
  protection: 50,
  // One at a time: what one run advances, lends or destroys is not another's.
  rollover: 1,
  ceremony: 1,
  servers: 1,
  safekeeping: 1,
  bootstrap: 1,
  provisioning: 10,
} as const satisfies ReservedConcurrency;

export const deployedFunctionIds = Object.keys(defaultReservedConcurrency) as DeployedFunctionId[];

const noConcurrency: ReservedConcurrency = {
  enrollment: undefined,
  distribution: undefined,
  revocation: undefined,
  ocsp: undefined,
  access: undefined,
  reconciliation: undefined,
  publication: undefined,
  maintenance: undefined,
  rotation: undefined,
  protection: undefined,
  rollover: undefined,
  ceremony: undefined,
  servers: undefined,
  safekeeping: undefined,
  bootstrap: undefined,
  provisioning: undefined,
};

const unreserved = 100;
const accountDefault = 1_000;
const range = {
  minimum: 1,
  maximum: accountDefault - unreserved,
  reason: `Lambda gives an account ${accountDefault} and keeps ${unreserved} unreserved`,
};

/**
 * `"none"` (new accounts have 10 executions in all, and Lambda refuses to reserve any), or a table of functions, in
 * which a function is given a number or `"none"`.
 */
export function readReservedConcurrency(place: Place, value: unknown): ReservedConcurrency {
  if (value === undefined) return defaultReservedConcurrency;
  if (value === "none") return noConcurrency;
  if (typeof value !== "object") {
    report(place, "reservedConcurrency", value, 'a JSON object of functions, nor "none"', {
      otherwise: "the defaults",
    });
    return defaultReservedConcurrency;
  }
  const members = readTable(place, "reservedConcurrency", value, deployedFunctionIds);
  const read = (id: DeployedFunctionId): number | undefined => {
    if (members[id] === "none") return undefined;
    const fallback = defaultReservedConcurrency[id];
    const otherwise = { otherwise: `${fallback}, or write "none",` };
    return readNumber(place, `reservedConcurrency.${id}`, members[id], range, otherwise) ?? fallback;
  };
  const reserved = {
    enrollment: read("enrollment"),
    distribution: read("distribution"),
    revocation: read("revocation"),
    ocsp: read("ocsp"),
    access: read("access"),
    reconciliation: read("reconciliation"),
    publication: read("publication"),
    maintenance: read("maintenance"),
    rotation: read("rotation"),
    protection: read("protection"),
    rollover: read("rollover"),
    ceremony: read("ceremony"),
    servers: read("servers"),
    safekeeping: read("safekeeping"),
    bootstrap: read("bootstrap"),
    provisioning: read("provisioning"),
  };
  reportSum(place, reserved);
  return reserved;
}

function reportSum(place: Place, reserved: ReservedConcurrency): void {
  const sum = Object.values(reserved).reduce((total: number, one) => total + (one ?? 0), 0);
  if (sum <= range.maximum) return;
  place.problems.push(
    `reservedConcurrency is ${sum} in all, more than ${range.maximum} (${range.reason}); lower some, or write "none" for ` +
      `functions that may share the rest, in ${place.name}`,
  );
}
