/**
 * Room: cli. What became of each device of a manifest, and the tokens on their way. The tokens lie in a file
 * of their own (0600) until every device has its certificate: a retry must show the same token again, or the
 * service would sign twice.
 */
import { rm } from "node:fs/promises";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import { openAppendLog } from "./append-log.ts";

/** The device and its CSR: another CSR for the same device is another job. */
export interface JobKey {
  readonly deviceId: string;
  /** SHA-256 of the CSR's DER, lowercase hex. */
  readonly csrSha256: string;
}

export interface ResultsFile {
  /** True if an earlier run obtained the certificate. */
  isIssued(key: JobKey): boolean;
  /** The token that an earlier attempt was made with. */
  tokenOf(key: JobKey): string | undefined;
  /** Each resolves when its record is on disk. */
  recordToken(key: JobKey, token: string): Promise<void>;
  recordIssued(key: JobKey, issued: IssuedCertificate, at: Date): Promise<void>;
  recordFailed(key: Partial<JobKey>, failure: { code: string; detail: string }, at: Date): Promise<void>;
  /** `complete`: every device has its certificate, so the tokens are removed. */
  close(complete: boolean): Promise<void>;
}

const nameOf = ({ deviceId, csrSha256 }: JobKey): string => `${deviceId} ${csrSha256}`;

function keyOf(record: object): string | undefined {
  if (!("deviceId" in record && "csrSha256" in record)) return undefined;
  const { deviceId, csrSha256 } = record;
  return typeof deviceId === "string" && typeof csrSha256 === "string"
    ? nameOf({ deviceId, csrSha256 })
    : undefined;
}

/** Opens or makes `path` and `path.tokens`. Only one process may have them open: see file-lock.ts. */
export async function openResultsFile(path: string): Promise<ResultsFile> {
  const issued = new Set<string>();
  const tokens = new Map<string, string>();
  const tokensPath = `${path}.tokens`;
  const results = await openAppendLog(path, (record) => {
    const key = keyOf(record);
    if (key !== undefined && "status" in record && record.status === "issued") issued.add(key);
  });
  const journal = await openAppendLog(tokensPath, (record) => {
    const key = keyOf(record);
    if (key !== undefined && "token" in record && typeof record.token === "string")
      tokens.set(key, record.token);
  });
  return {
    isIssued: (key) => issued.has(nameOf(key)),
    tokenOf: (key) => tokens.get(nameOf(key)),
    recordToken: ({ deviceId, csrSha256 }, token) => journal.append({ deviceId, csrSha256, token }),
    recordIssued: ({ deviceId, csrSha256 }, certificate, at) =>
      results.append({ deviceId, csrSha256, status: "issued", at: at.toISOString(), ...certificate }),
    recordFailed: (key, failure, at) =>
      results.append({ ...key, status: "failed", at: at.toISOString(), ...failure }),
    async close(complete) {
      await results.close();
      await journal.close();
      if (complete) await rm(tokensPath, { force: true });
    },
  };
}
