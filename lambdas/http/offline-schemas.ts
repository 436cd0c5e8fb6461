/**
 * Room: lambdas/http. What a machine without a network is asked, and what it answers, as documents of JSON. Their rules
 * are core's, which reads them again: here is their shape.
 */
import * as z from "zod/mini";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { crlReasons } from "../../core/formats/crl/reason.ts";
import { answerType } from "../../core/rotation/offline/answer.ts";
import { offlineProfiles, offlinePurposes, requestType } from "../../core/rotation/offline/request.ts";
import { instant } from "./fields.ts";
import { authorityId, documented, fleetId, lazily, rolloverId, serialNumber, text } from "./schemas.ts";

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be one of ${words.join(", ")}` });

const base64 = (description: string) =>
  documented(
    z
      .string({ error: "must be base64 of DER" })
      .check(z.regex(/^[A-Za-z0-9+/]{1,239998}={0,2}$/, { error: "must be base64 of DER" })),
    { description: `${description}: base64 of DER.`, example: "MIIBszCCAVmgAwIBAgIQ…" },
  );

export const requestSha256 = text("must be 64 lowercase hexadecimal digits", /^[0-9a-f]{64}$/, {
  description: "SHA-256 of the request's one text: both machines show it, and people compare.",
  example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
});

const algorithms = Object.keys(authorityAlgorithms) as [AuthorityAlgorithmId, ...AuthorityAlgorithmId[]];
const reasons = Object.keys(crlReasons) as [keyof typeof crlReasons, ...(keyof typeof crlReasons)[]];

const askedCertificate = lazily(() =>
  z.strictObject({
    profile: oneOf(offlineProfiles),
    subject: authorityId(),
    signedBy: authorityId(),
    serialNumber: serialNumber(),
  }),
);

const askedList = lazily(() =>
  z.strictObject({
    signedBy: authorityId(),
    number: documented(z.int({ error: "must be a whole number" }), { description: "cRLNumber.", example: 3 }),
    revoked: z.array(
      z.strictObject({
        serialNumber: serialNumber(),
        revokedAt: instant("When it was revoked."),
        reason: oneOf(reasons),
      }),
    ),
  }),
);

export const offlineRequest = lazily(() =>
  documented(
    z.strictObject({
      version: z.literal(1),
      type: z.literal(requestType),
      fleet: fleetId(),
      rolloverId: z.exactOptional(
        documented(rolloverId(), {
          description: "Absent of what the fleet's root signs when no rollover is under way.",
        }),
      ),
      purpose: documented(oneOf(offlinePurposes), {
        description:
          "issuing: an authority below an offline root; root: a root whose key is offline; signer: the next signer of trust manifests; list: an offline root's list alone. Each may ask for the next signer besides.",
        example: "issuing",
      }),
      requestedAt: instant("From when validity counts."),
      expiresAt: instant("From when its answer is not taken any more."),
      authorities: z.array(
        z.strictObject({
          authorityId: authorityId(),
          certificate: base64("Certificate of a root that is there"),
        }),
      ),
      successor: z.exactOptional(
        z.strictObject({
          authorityId: authorityId(),
          algorithm: oneOf(algorithms),
          csr: z.exactOptional(base64("PKCS #10 request of its key, unless the offline machine has the key")),
        }),
      ),
      signer: z.exactOptional(
        z.strictObject({
          signerId: documented(authorityId(), {
            description: "Who signs trust manifests next.",
            example: "trust-2",
          }),
          csr: base64("PKCS #10 request of its key"),
        }),
      ),
      certificates: z.array(askedCertificate()),
      lists: z.array(askedList()),
    }),
    { id: "OfflineRequest", description: "What a machine without a network is asked to sign." },
  ),
);

export const offlineRequestView = lazily(() =>
  documented(z.strictObject({ request: offlineRequest(), sha256: requestSha256() }), {
    id: "OfflineRequestView",
  }),
);

export const offlineAnswer = lazily(() =>
  documented(
    z.strictObject({
      version: z.literal(1),
      type: z.literal(answerType),
      request: offlineRequest(),
      csr: z.exactOptional(base64("PKCS #10 request of a new root's key")),
      certificates: z.array(base64("A certificate that was asked for, in their order")),
      lists: z.array(base64("A list that was asked for, in their order")),
      transcript: documented(z.array(z.string({ error: "must be a compact JWS" })), {
        description:
          "A JWS of each participant (RFC 7515 §7.1), two at least, over the digests of request and answer.",
      }),
    }),
    { id: "OfflineAnswer", description: "What a machine without a network has signed." },
  ),
);

/** Body of the import: the digest stands beside the answer, so that whoever approves reads it. */
export const offlineAnswerImport = lazily(() =>
  documented(z.strictObject({ requestSha256: requestSha256(), answer: offlineAnswer() }), {
    id: "OfflineAnswerImport",
  }),
);
