/** Room: lambdas/http. What requests about keys, rollovers, ceremonies and renewals look like. */
import * as z from "zod/mini";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { ceremonyPurposes } from "../../core/records/ceremony-record.ts";
import { renewalReasons } from "../../core/records/renewal-window-record.ts";
import { rolloverStates } from "../../core/records/rollover-record.ts";
import { serverKeyAlgorithms } from "../../core/records/server-certificate-record.ts";
import { limits } from "../../core/standard/limits.ts";
import { instant, page } from "./fields.ts";
import { authorityId, documented, lazily, rolloverId, text } from "./schemas.ts";

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be one of ${words.join(", ")}` });

const algorithms = Object.keys(authorityAlgorithms) as [AuthorityAlgorithmId, ...AuthorityAlgorithmId[]];
export const authorityAlgorithm = lazily(() =>
  documented(oneOf(algorithms), { description: "Of the successor's key; the predecessor's when absent." }),
);
export const authorityKind = lazily(() => oneOf(["root", "issuing"]));
export const custody = lazily(() =>
  documented(oneOf(["service", "offline"]), {
    description: "Where a new root's key is: in the key service, or on a machine without a network.",
  }),
);
const emergency = "The predecessor's key is lost: no gate is waited for, and its devices renew at once.";

export const planRolloverRequest = lazily(() =>
  documented(
    z.strictObject({
      kind: authorityKind(),
      algorithm: z.exactOptional(authorityAlgorithm()),
      custody: z.exactOptional(custody()),
      emergency: z.exactOptional(documented(z.boolean(), { description: `${emergency} Default: false.` })),
    }),
    { id: "PlanRolloverRequest" },
  ),
);

export const previewRolloverQuery = lazily(() =>
  z.strictObject({
    kind: authorityKind(),
    algorithm: z.exactOptional(authorityAlgorithm()),
    custody: z.exactOptional(custody()),
    emergency: z.exactOptional(documented(oneOf(["true", "false"]), { description: emergency })),
  }),
);

export const advanceRolloverRequest = lazily(() =>
  documented(
    z.strictObject({
      to: documented(oneOf(["active", "draining", "retired"]), {
        description: "The state that follows the present one.",
      }),
      emergency: z.exactOptional(
        documented(z.boolean(), {
          description:
            "With `retired`: the predecessor's key is lost by now. It leaves the trust at once, and its devices with it: have them renew first where there is time.",
        }),
      ),
    }),
    { id: "AdvanceRolloverRequest" },
  ),
);

export const rollBackRolloverRequest = lazily(() =>
  documented(
    z.strictObject({
      from: documented(oneOf(rolloverStates), {
        description: "The state that it is in, as it was shown to who approved.",
      }),
    }),
    { id: "RollBackRolloverRequest" },
  ),
);

export const keyDestructionRequest = lazily(() =>
  documented(
    z.strictObject({
      authorityId: documented(authorityId(), {
        description: "The authority whose key it is about, as the rollover names it in `from`.",
      }),
    }),
    { id: "KeyDestructionRequest" },
  ),
);

export const openCeremonyRequest = lazily(() =>
  documented(
    z.strictObject({
      purpose: documented(oneOf(ceremonyPurposes), {
        description:
          "rollover: certify the successor; trustSigner: certify the next signer of trust manifests; rootList: sign the roots' lists, which every ceremony does where they are due.",
      }),
      rolloverId: z.exactOptional(documented(rolloverId(), { description: "With purpose `rollover`." })),
    }),
    { id: "OpenCeremonyRequest" },
  ),
);

export const keyName = text(
  "must be 1 to 64 of a-z, 0-9 and inner hyphens",
  /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/,
  {
    id: "KeyName",
    description: "A wrapping key, as the key report names it.",
    example: "default-protection",
  },
);
export const rotateDataKeyRequest = lazily(() =>
  documented(z.strictObject({ name: keyName() }), { id: "RotateDataKeyRequest" }),
);

export const pullRenewalForwardRequest = lazily(() =>
  documented(
    z.strictObject({
      authorityId: z.exactOptional(
        documented(authorityId(), {
          description: "Of certificates that this authority issued; all when absent.",
        }),
      ),
      issuedBefore: z.exactOptional(instant("Of certificates issued before; now when absent.")),
      from: instant("Begin of the window."),
      until: instant("End of the window: each device has its own time in it."),
      reason: oneOf(renewalReasons),
      explanationUrl: z.exactOptional(
        documented(z.string().check(z.maxLength(512)), {
          description: "https address of a page about it, which anybody may read.",
        }),
      ),
      emergency: z.exactOptional(
        documented(z.boolean(), { description: "Permits a window shorter than a week." }),
      ),
    }),
    { id: "PullRenewalForwardRequest" },
  ),
);

export const listRolloversQuery = lazily(() => z.strictObject(page("rollovers")));
export const listCeremoniesQuery = lazily(() => z.strictObject(page("ceremonies")));
export const listRotationTasksQuery = lazily(() =>
  z.strictObject({
    closed: z.exactOptional(
      documented(oneOf(["true", "false"]), {
        description: "Those of the last ninety days that are closed too.",
      }),
    ),
  }),
);

const dnsName = "must be a DNS name of 1 to 253 lowercase characters, without a wildcard";
export const serverCertificateRequest = lazily(() =>
  documented(
    z.strictObject({
      name: documented(z.string(), { description: "What the fleet calls it.", example: "ingest-eu" }),
      dnsNames: z
        .array(z.string({ error: dnsName }).check(z.maxLength(253, { error: dnsName })))
        .check(z.minLength(1), z.maxLength(limits.subjectAltNames.value)),
      keyAlgorithm: z.exactOptional(
        documented(oneOf(serverKeyAlgorithms), {
          description: "P-256 when absent. It stays: who holds the certificate takes no other in its place.",
        }),
      ),
    }),
    { id: "ServerCertificateRequest" },
  ),
);
export const listServerCertificatesQuery = lazily(() => z.strictObject(page("certificates of servers")));
