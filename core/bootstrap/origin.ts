/**
 * Room: core/bootstrap. Where operators use their passkeys. WebAuthn binds a passkey to the host name, so the deployment
 * says it, and no request can: what a Host header claims counts for nothing.
 */
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { type FleetRecord, fleetItem } from "../records/fleet-record.ts";

/** As the URL standard writes hosts that are addresses: four decimal numbers, or brackets. */
const address = /^(?:\[.*\]|\d+(?:\.\d+){3})$/;

/** @throws AppError configuration_invalid for what is no https origin (RFC 6454 §6.2) of a named host. */
export function assertOrigin(origin: string): void {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  // WebAuthn Level 3 §5.1.3: a relying party id is a domain, which an address is not.
  if (url?.protocol === "https:" && url.origin === origin && !address.test(url.hostname)) return;
  throw new AppError(
    "configuration_invalid",
    "the origin of the page for passkeys is not https://NAME or https://NAME:PORT, without a path; correct it",
  );
}

/** Each lost race means that another start has made progress. */
const attempts = 10;
/** Former addresses stand in certificates for as long as those are in force; a fleet seldom moves more often. */
const maximumBases = 8;

interface Move {
  readonly record: FleetRecord;
  /** Addresses of before that are one too many. */
  readonly dropped: number;
}

function moved(record: FleetRecord, origin: string, artifacts: string | undefined): Move {
  const { fleet, artifactBases = [] } = record;
  const base = `${artifacts ?? `${origin}/v1`}/fleets/${fleet}`;
  const bases = [base, ...artifactBases.filter((each) => each !== base)];
  return {
    record: { ...record, origin, artifactBases: bases.slice(0, maximumBases) },
    dropped: Math.max(0, bases.length - maximumBases),
  };
}

function tell(app: KeylessApp, before: FleetRecord, { dropped }: Move): void {
  const { fleet } = before;
  if (before.origin !== undefined) app.log.info("origin_moved", { fleet });
  if (dropped === 0) return;
  const detail = `a fleet has ${maximumBases} addresses at most; certificates that name an earlier one match no list`;
  app.log.warn("artifact_base_dropped", { fleet, count: dropped, detail });
}

/**
 * The fleet's record with these addresses; written when it has others. Passkeys of another host name stop working;
 * certificates go on naming the places that they were issued with. The eight newest are kept, and lists name them all.
 * Of one that is dropped, with a warning, lists say nothing from then on: for a certificate that names it alone, whoever
 * checks by list finds none that applies (RFC 5280 §6.3.3(b)(2)(i)), though OCSP knows its status where the address
 * still answers. So move seldom while certificates of the first addresses are in force.
 * @param artifacts `https://host` from which public artefacts are read. @default the API serves them
 * @throws AppError configuration_invalid, not_found, store_condition_failed when others write all the time.
 */
export async function moveOrigin(
  app: KeylessApp,
  fleet: string,
  origin: string,
  artifacts?: string,
): Promise<void> {
  assertOrigin(origin);
  if (artifacts !== undefined) assertOrigin(artifacts);
  for (let attempt = 1; ; attempt += 1) {
    const { record, version } = await getFleet(app, fleet);
    const move = moved(record, origin, artifacts);
    const { record: next } = move;
    if (next.origin === record.origin && next.artifactBases?.[0] === record.artifactBases?.[0]) return;
    try {
      await app.items.transact([{ put: fleetItem(next), when: version }]);
      tell(app, record, move);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}
