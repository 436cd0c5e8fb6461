/** Room: scripts. The decade that docs/rotation.md shows. */
import { revocationStandard } from "../../core/standard/revocation.ts";
import type { DecadeOptions } from "./simulation.ts";

/** A Wednesday in the fifth year. */
const emergencyDay = 1_580;
/** A Monday in the ninth. */
const pullDay = 3_105;

export const decadeOptions: DecadeOptions = {
  devices: 10_000,
  days: 3_653,
  seed: 1,
  every: { rotate: 6, publish: 12, maintain: 24, sample: 24 },
  crlWindowDays: revocationStandard.crlWindowDays.default,
  openssl: "always",
  emergencyDay,
  pullDay,
};
