/** Room: cli. Which certificates are meant: the flags of searches and exports. */
import { type CertificateStatus, certificateStatuses } from "../core/distribution/certificate-status.ts";
import type { CertificateFilter } from "./fleet-api.ts";
import { instantOf } from "./instant.ts";

const statuses: CertificateStatus[] = [...certificateStatuses];

export const filterFlags = {
  device: { type: "string", valueHint: "ID", description: "Only those of this device" },
  status: {
    type: "enum",
    options: statuses,
    valueHint: "STATUS",
    description: "Only those that are so now",
  },
  profile: { type: "string", valueHint: "ID", description: "Only those of this profile" },
  authority: { type: "string", valueHint: "ID", description: "Only those that this authority issued" },
  "key-algorithm": { type: "string", valueHint: "KIND", description: "Only those with such a key" },
  "expires-from": {
    type: "string",
    valueHint: "TIME",
    description: "Only those that end then or later; 2026-03-01, or 2026-03-01T12:00:00Z",
  },
  "expires-to": { type: "string", valueHint: "TIME", description: "Only those that end before" },
} as const;

export type FilterFlags = { readonly [flag in keyof typeof filterFlags]?: string | undefined };

/** Throws `usage` for a time that is none. What else is out of form, the service says. */
export function certificateFilter(flags: FilterFlags): CertificateFilter {
  const { device, status, profile, authority, "key-algorithm": keyAlgorithm } = flags;
  return {
    ...(device === undefined ? {} : { deviceId: device }),
    ...(status === undefined ? {} : { status }),
    ...(profile === undefined ? {} : { profile }),
    ...(authority === undefined ? {} : { authorityId: authority }),
    ...(keyAlgorithm === undefined ? {} : { keyAlgorithm }),
    ...instantOf("expiresFrom", "--expires-from", flags["expires-from"]),
    ...instantOf("expiresTo", "--expires-to", flags["expires-to"]),
  };
}
