/**
 * Room: local. Another fleet in the same data directory: the very use case that a deployment on AWS invokes. It may run
 * beside a running server, and again: what is there stays.
 */
import { join } from "node:path";
import { ensurePrivateDirectory } from "../adapters/local/private-directory.ts";
import { type Fleet, findFleet, getFleet } from "../core/authority/issuer.ts";
import { deployFleet } from "../core/bootstrap/deployment.ts";
import { AppError } from "../core/errors.ts";
import type { AuthorityAlgorithmId } from "../core/formats/algorithms.ts";
import { checkFleetId, checkTrustDomain } from "../core/policy/identifiers.ts";
import type { DeploymentApp, Log } from "../core/ports.ts";
import { openLocalApp } from "./app.ts";
import { type BootstrapFiles, writeOperatorFiles } from "./bootstrap-files.ts";
import { readIfPresent } from "./durable-file.ts";
import { createdFleets, firstFleet, fleetDirectory } from "./fleet-directory.ts";

export interface LocalFleetOptions {
  /** Of a server that has been started at least once. */
  readonly dataDir: string;
  readonly passphrase?: string;
  /** Opaque, 1 to 32 of a-z, 0-9 and inner hyphens; not the first fleet's. */
  readonly fleet: string;
  readonly trustDomain: string;
  /** @default P-384 */
  readonly rootAlgorithm?: AuthorityAlgorithmId;
  /** @default P-256 */
  readonly issuingAlgorithm?: AuthorityAlgorithmId;
  /** `https://NAME[:PORT]` of the page for passkeys; a server that starts says it anew. @default the first fleet's */
  readonly origin?: string;
  /** Default: JSON lines on standard error. */
  readonly log?: Log;
}

export interface LocalFleet {
  readonly fleet: string;
  /** SHA-256 of the root certificate, lowercase hexadecimal. */
  readonly rootFingerprint: string;
  readonly files: BootstrapFiles;
}

function assertNames({ fleet, trustDomain }: LocalFleetOptions): void {
  for (const decision of [checkFleetId(fleet), checkTrustDomain(trustDomain)])
    if (!decision.allow) throw new AppError(decision.code, decision.reason);
  if (fleet === firstFleet)
    throw new AppError("already_exists", `fleet "${firstFleet}" is the server's first; choose another name`);
}

/** A mistyped path must not become a data directory of its own. */
async function assertServed(dataDir: string): Promise<void> {
  if ((await readIfPresent(join(dataDir, "bootstrap", "root.pem"))) !== undefined) return;
  throw new AppError(
    "configuration_invalid",
    "the data directory is none that a server has used; check the path, or start the server once",
  );
}

/** A fleet is what it was when it was made: asking for another of that name is a mistake, and said to be one. */
function assertSame({ record, authorities }: Fleet, options: LocalFleetOptions): void {
  const { fleet, trustDomain, rootAlgorithm, issuingAlgorithm } = options;
  const differs = (what: string, found: string): never => {
    throw new AppError(
      "already_exists",
      `fleet "${fleet}" exists with ${what} ${found}; choose another name`,
    );
  };
  if (record.trustDomain !== trustDomain) differs("trust domain", record.trustDomain);
  const wanted: Readonly<Record<string, string | undefined>> = {
    "root-1": rootAlgorithm,
    "issuing-1": issuingAlgorithm,
  };
  for (const { record: authority } of authorities) {
    const { authorityId, algorithm } = authority;
    if ((wanted[authorityId] ?? algorithm) !== algorithm) differs(`authority ${authorityId} of`, algorithm);
  }
}

async function create(app: DeploymentApp, options: LocalFleetOptions): Promise<LocalFleet> {
  const { dataDir, fleet, trustDomain, rootAlgorithm = "P-384", issuingAlgorithm = "P-256" } = options;
  const existing = await findFleet(app, fleet);
  if (existing !== undefined) assertSame(existing, options);
  // Operators use their passkeys where those of the first fleet do.
  const origin = options.origin ?? (await getFleet(app, firstFleet)).record.origin;
  const { rootFingerprint } = await deployFleet(app, {
    plan: { fleet, trustDomain, rootAlgorithm, issuingAlgorithm },
    fleets: [firstFleet, ...(await createdFleets(dataDir)), fleet],
    ...(origin === undefined ? {} : { origin }),
  });
  // Of two makers at once one may have made it otherwise.
  assertSame(await getFleet(app, fleet), options);
  await ensurePrivateDirectory(join(dataDir, "fleets"));
  return {
    fleet,
    rootFingerprint,
    files: await writeOperatorFiles(app, fleet, fleetDirectory(dataDir, fleet)),
  };
}

/**
 * Makes the fleet, and `DIR/fleets/NAME/{root.pem,operator.pem,operator.key}` for its first operator. A run that died is
 * finished by the next. A running server serves the fleet at once.
 * @throws AppError name_not_permitted; already_exists (made with another trust domain or algorithm, or the first fleet);
 * configuration_invalid (no server's data directory, origin), key_store_locked, store_unavailable.
 */
export async function createLocalFleet(options: LocalFleetOptions): Promise<LocalFleet> {
  assertNames(options);
  await assertServed(options.dataDir);
  const local = await openLocalApp(options);
  try {
    return await create(local.app, options);
  } finally {
    await local.close();
  }
}
