/** Room: lambdas/http. What questions about certificates, keys and trust look like. */
import * as z from "zod/mini";
import { certificateStatuses } from "../../core/distribution/inventory.ts";
import { keyAlgorithms } from "../../core/formats/algorithms.ts";
import { type ProfileId, profiles } from "../../core/standard/profiles.ts";
import { firmwareLabel, instant, page } from "./fields.ts";
import { authorityId, deviceId, documented, lazily } from "./schemas.ts";

const oneOf = <Word extends string>(words: readonly Word[]) =>
  z.enum(words as [Word, ...Word[]], { error: `must be one of ${words.join(", ")}` });

export const listCertificatesQuery = lazily(() =>
  z.strictObject({
    deviceId: z.exactOptional(deviceId()),
    status: z.exactOptional(oneOf(certificateStatuses)),
    profile: z.exactOptional(oneOf(Object.keys(profiles) as ProfileId[])),
    authorityId: z.exactOptional(authorityId()),
    keyAlgorithm: z.exactOptional(oneOf(Object.keys(keyAlgorithms))),
    expiresFrom: z.exactOptional(instant("Certificates that end then or later.")),
    expiresTo: z.exactOptional(instant("Certificates that end before.")),
    ...page("certificates"),
  }),
);

export const deviceKeysQuery = lazily(() => z.strictObject(page("keys")));

const versionMessage = "must be a whole number from 1 to 999999999";
export const acknowledgeTrustRequest = lazily(() =>
  documented(
    z.strictObject({
      version: documented(
        z
          .int({ error: versionMessage })
          .check(z.minimum(1, { error: versionMessage }), z.maximum(999_999_999, { error: versionMessage })),
        { description: "Version of the trust manifest that the caller relies on now.", example: 7 },
      ),
      firmware: z.exactOptional(firmwareLabel()),
    }),
    { id: "AcknowledgeTrustRequest" },
  ),
);
