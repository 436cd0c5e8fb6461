/** Room: cli. Enrols every device of a manifest, many at once, and takes up where an earlier run stopped. */
import { type VerifiedCsr, verifyCsr } from "../core/formats/certification-request.ts";
import { encodePem } from "../core/formats/pem.ts";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import type { Context } from "./command.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure, toFailure } from "./failure.ts";
import { withFileLock } from "./file-lock.ts";
import type { FleetApi } from "./fleet-api.ts";
import { checkIssued } from "./issued-certificate.ts";
import {
  checkManifest,
  type ManifestEntry,
  type ManifestSummary,
  readManifest,
  readManifestCsr,
} from "./manifest.ts";
import { createProgress, type Progress } from "./progress.ts";
import { type JobKey, openResultsFile, type ResultsFile } from "./results-file.ts";
import { unattendedRetries } from "./retry.ts";
import { type SessionOptions, withFleetApi, withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";
import { type KnownRoots, tiedRoots } from "./trust-bundle.ts";

export interface ManifestOptions {
  readonly manifest: string;
  readonly results: string;
  /** Devices in flight at once. */
  readonly concurrency: number;
  /** Of one request, before its device has failed or, if nobody answers, the line stops. */
  readonly attempts: number;
  readonly settings: Settings;
  readonly known: KnownRoots;
}

interface Line {
  readonly options: ManifestOptions;
  readonly context: Context;
  readonly api: FleetApi;
  readonly roots: string;
  readonly results: ResultsFile;
  readonly progress: Progress;
  readonly counts: { issued: number; failed: number; skipped: number };
  /** How many devices in a row used up their attempts because the service asked to wait. */
  busyInARow: number;
}

/**
 * Resolves to `ok`, `partial` (some devices failed; their reasons are in the results file) or `interrupted`.
 * Throws what stops the whole line: a bad manifest, a full disk, no service, an operator who may not.
 */
export async function enrollManifest(options: ManifestOptions, context: Context): Promise<ExitName> {
  const summary = await checkManifest(options.manifest);
  return withFileLock(`${options.results}.lock`, async () => {
    const { settings, concurrency, attempts } = options;
    const { terminal } = context;
    const session: SessionOptions = {
      settings,
      terminal,
      retries: { ...unattendedRetries, attempts },
      finishInFlight: true,
      maxSockets: concurrency,
    };
    const open = summary.withoutToken > 0 ? withOperatorApi : withFleetApi;
    return open(session, (api) => runLine(options, summary, context, api));
  });
}

async function runLine(
  options: ManifestOptions,
  { devices }: ManifestSummary,
  context: Context,
  api: FleetApi,
): Promise<ExitName> {
  const { terminal } = context;
  const startedAt = terminal.now();
  const roots = tiedRoots(await api.trust(), options.known);
  const results = await openResultsFile(options.results);
  const progress = createProgress(terminal, devices);
  const counts = { issued: 0, failed: 0, skipped: 0 };
  const reportOf = (): Report => {
    const remaining = devices - counts.issued - counts.skipped - counts.failed;
    return { devices, ...counts, remaining, seconds: (terminal.now() - startedAt) / 1000 };
  };
  try {
    await runWorkers({ options, context, api, roots, results, progress, counts, busyInARow: 0 });
  } finally {
    progress.end();
    await results.close(counts.issued + counts.skipped === devices);
    context.output.note(renderReport(reportOf()));
  }
  context.output.answer({ results: options.results, ...reportOf() }, options.results);
  if (terminal.interrupted.aborted) return "interrupted";
  return counts.failed > 0 ? "partial" : "ok";
}

/** The first error that is not one device's own ends all workers, after what they have in flight. */
async function runWorkers(line: Line): Promise<void> {
  const { manifest, concurrency } = line.options;
  const entries = readManifest(manifest);
  const { interrupted } = line.context.terminal;
  let fatal: { error: unknown } | undefined;
  const work = async (): Promise<void> => {
    while (fatal === undefined && !interrupted.aborted) {
      const next = await entries.next();
      if (next.done === true) return;
      await enrollEntry(line, next.value);
    }
  };
  const guarded = (): Promise<void> =>
    work().catch((error: unknown) => {
      fatal ??= { error };
    });
  await Promise.all(Array.from({ length: concurrency }, guarded));
  await entries.return(undefined);
  if (fatal !== undefined) throw fatal.error;
}

async function enrollEntry(line: Line, entry: ManifestEntry): Promise<void> {
  const { results, counts, progress } = line;
  const at = (): Date => new Date(line.context.terminal.now());
  let key: JobKey | undefined;
  try {
    const csr = await verifyCsr(await readManifestCsr(entry, line.options.manifest));
    key = { deviceId: entry.deviceId, csrSha256: csr.digest };
    if (results.isIssued(key)) {
      counts.skipped += 1;
      progress.advance("skipped");
      return;
    }
    const issued = await obtain(line, entry, key, csr);
    checkIssued(issued, csr.publicKey.der, entry.deviceId, line.roots);
    await results.recordIssued(key, issued, at());
    line.busyInARow = 0;
    counts.issued += 1;
    progress.advance("issued");
  } catch (error) {
    const failure = toFailure(error);
    // An attempt that the interruption cut short says nothing about the device.
    if (line.context.terminal.interrupted.aborted && failure.transience !== undefined) return;
    if (isFatal(failure)) throw error;
    await results.recordFailed(
      key ?? { deviceId: entry.deviceId },
      { code: failure.code, detail: failure.message },
      at(),
    );
    counts.failed += 1;
    progress.advance("failed");
    stopIfNobodyGetsThrough(line, failure);
  }
}

/** A service that tells every device in flight to wait is not this device's trouble: it is left in peace. */
function stopIfNobodyGetsThrough(line: Line, failure: Failure): void {
  // A CSR file that cannot be read says nothing about the service.
  if (failure.exit === "localFile") return;
  line.busyInARow = failure.transience === "busy" ? line.busyInARow + 1 : 0;
  if (line.busyInARow < line.options.concurrency) return;
  const { exit, code, message } = failure;
  const remedy = `${line.busyInARow} devices in a row were told to wait; run the same command again later`;
  throw new Failure(exit, code, message, { remedy, cause: failure });
}

async function obtain(
  line: Line,
  entry: ManifestEntry,
  key: JobKey,
  csr: VerifiedCsr,
): Promise<IssuedCertificate> {
  const pem = encodePem("CERTIFICATE REQUEST", csr.raw);
  if (entry.token !== undefined) return line.api.enroll({ csr: pem, token: entry.token });
  const earlier = line.results.tokenOf(key);
  if (earlier !== undefined) {
    try {
      return await line.api.enroll({ csr: pem, token: earlier });
    } catch (error) {
      if (!(error instanceof Failure && deadTokenCodes.has(error.code))) throw error;
    }
  }
  const { token } = await line.api.createToken({ deviceId: entry.deviceId });
  await line.results.recordToken(key, token);
  return line.api.enroll({ csr: pem, token });
}

/**
 * An earlier token that came to nothing; the device gets another. Not so after `credential_spent`: its
 * certificate was revoked or has expired, and whether the device may have another is for a person to say.
 */
const deadTokenCodes: ReadonlySet<string> = new Set([
  "credential_expired",
  "credential_invalid",
  "issuance_closed",
]);

/** What the next device would meet too. */
const lineCodes: ReadonlySet<string> = new Set([
  "client_certificate_required",
  "client_certificate_untrusted",
  "client_certificate_expired",
  "client_certificate_revoked",
  "access_denied",
  "role_not_permitted",
  "operator_not_active",
  "credential_not_accepted",
  "fleet_suspended",
  "results_unwritable",
]);

/** A results file that cannot be written is fatal, a CSR file that cannot be read is that device's. */
function isFatal(failure: Failure): boolean {
  return failure.exit === "unreachable" || failure.exit === "internal" || lineCodes.has(failure.code);
}

interface Report {
  readonly devices: number;
  readonly issued: number;
  readonly skipped: number;
  readonly failed: number;
  /** Not tried, or cut short. */
  readonly remaining: number;
  readonly seconds: number;
}

function renderReport({ devices, issued, skipped, failed, remaining, seconds }: Report): string {
  const counts = `${issued} enrolled, ${skipped} done before, ${failed} failed, ${remaining} not tried`;
  const next = failed + remaining > 0 ? "\nrun the same command again to try those that are left" : "";
  return `${counts}, of ${devices}, in ${seconds.toFixed(1)} s${next}`;
}
