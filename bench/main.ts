/**
 * Room: bench. `npm run bench`: ratios measured in one run. Machines differ and are noisy; ratios travel. The last lines
 * alone are times: of a promise that is one.
 */
import "../local/thread-pool.ts";
import { benchCrl } from "./crl.ts";
import { benchEnrollment } from "./enrollment.ts";
import { benchIssuance } from "./issuance.ts";
import { benchOcsp } from "./ocsp.ts";
import { benchProtection } from "./protection.ts";
import { benchRevocation } from "./revocation.ts";

for (const bench of [benchIssuance, benchEnrollment, benchCrl, benchOcsp, benchProtection, benchRevocation])
  process.stdout.write(`${await bench()}\n\n`);
