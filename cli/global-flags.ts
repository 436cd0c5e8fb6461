/** Room: cli. Flags that several commands share. */

export const outputFlags = {
  json: { type: "boolean", description: "Machine output on stdout" },
} as const;

export const dataDirectoryFlag = {
  "data-dir": {
    type: "string",
    valueHint: "DIR",
    description: "Data directory of a local server: its bootstrap/ holds the default credentials",
  },
} as const;

/** How to reach the service and prove who asks. Defaults fit a local server; see settings.ts. */
export const connectionFlags = {
  ...outputFlags,
  ...dataDirectoryFlag,
  url: { type: "string", valueHint: "URL", description: "Base URL of the service" },
  fleet: { type: "string", valueHint: "ID", description: "Fleet to act in" },
  ca: {
    type: "string",
    valueHint: "FILE",
    description: "PEM of the roots that may sign the server; `system` for this machine's own",
  },
  cert: { type: "string", valueHint: "FILE", description: "PEM certificate of the client, chain after it" },
  key: { type: "string", valueHint: "FILE", description: "PEM private key of the client" },
} as const;

const { cert: _cert, key: _key, ...publicFlags } = connectionFlags;

/** For commands that show no credential, or bring one of their own. */
export { publicFlags };

export const fingerprintFlag = {
  fingerprint: {
    type: "string",
    valueHint: "HEX",
    description: "SHA-256 of the fleet's root; required with --ca system, or while there is no CA file",
  },
} as const;

/** Names of the shared flags that take a value, for finding the command behind them. */
export const valueFlags: ReadonlySet<string> = new Set(
  Object.entries(connectionFlags).flatMap(([name, { type }]) => (type === "string" ? [`--${name}`] : [])),
);
