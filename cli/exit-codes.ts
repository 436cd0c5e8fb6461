/** Room: cli. Exit codes that scripts can use; rendered in `fleetkey --help` and docs/cli.md. */

export interface ExitCode {
  readonly code: number;
  readonly meaning: string;
}

export const exitCodes = {
  ok: { code: 0, meaning: "done" },
  refused: { code: 1, meaning: "the service refused or failed, or `doctor` found a failure" },
  usage: { code: 2, meaning: "unknown command or flag, a missing or bad value" },
  partial: {
    code: 3,
    meaning:
      "some devices or messages of a manifest failed, rows of an inventory were refused, or keys stayed where they were; the results file or stderr says which and why",
  },
  unreachable: {
    code: 4,
    meaning: "cannot connect: no answer, a time-out, a server that is not trusted; or `serve` cannot listen",
  },
  localFile: {
    code: 5,
    meaning:
      "a local file is missing, unreadable, malformed or would be overwritten; stdout cannot be written",
  },
  pending: {
    code: 6,
    meaning: "nothing failed; an operator has to decide or approve first, then the same command goes on",
  },
  untrusted: {
    code: 7,
    meaning:
      "what was fetched or read is not to be trusted: who signed it, its time, its version or its subject; nothing was changed",
  },
  revoked: { code: 8, meaning: "`ocsp query` was told that the certificate is revoked or on hold" },
  hookFailed: {
    code: 9,
    meaning: "the hook of `device agent` failed; the files are in place, and it is run again the next time",
  },
  internal: { code: 70, meaning: "a defect of fleetkey itself; FLEETKEY_DEBUG=1 shows where" },
  interrupted: { code: 130, meaning: "interrupted; the same command takes up where it stopped" },
} as const satisfies Record<string, ExitCode>;

export type ExitName = keyof typeof exitCodes;
