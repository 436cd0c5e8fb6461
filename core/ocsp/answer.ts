/**
 * Room: core/ocsp. Answers a question about certificates of a fleet (RFC 6960, RFC 9919). Status is read afresh each
 * time, so a revocation is told at once; what is signed is kept, so the same question costs no second signature.
 */
import { hash } from "node:crypto";
import { isAppError } from "../errors.ts";
import { encodeCertId } from "../formats/ocsp/cert-id.ts";
import { decodeOcspRequest, type OcspRequest } from "../formats/ocsp/request.ts";
import { encodeOcspError, type OcspErrorStatus, ocspResponseStatus } from "../formats/ocsp/response.ts";
import type { App } from "../ports.ts";
import { revocationStandard } from "../standard/revocation.ts";
import { type AnsweredAuthority, type ResponderDirectory, rememberedDirectories } from "./directory.ts";
import { keepAnswer, keptAnswer, type SignedAnswer, signAnswer } from "./signed-answer.ts";
import { type KnownStatus, readStatus } from "./status.ts";

export interface OcspQuestion {
  /** As the address has it; it may be none. */
  readonly fleet: string;
  /** OCSPRequest, DER, from anybody. */
  readonly request: Uint8Array;
}

export interface OcspAnswer {
  /** OCSPResponse, DER. */
  readonly body: Uint8Array;
  /** Seconds for which caches may keep it; absent: not at all. */
  readonly maxAgeSeconds?: number;
  /** Milliseconds since the epoch; absent from what is not signed. */
  readonly nextUpdate?: number;
  /** Strong entity tag with its quotes; present with `maxAgeSeconds`. */
  readonly etag?: string;
}

/** Never throws for a request, whatever its octets. */
export type OcspResponder = (question: OcspQuestion) => Promise<OcspAnswer>;

const { malformedRequest, unauthorized, tryLater, internalError } = ocspResponseStatus;

const refusal = (status: OcspErrorStatus): OcspAnswer => ({ body: encodeOcspError(status) });

/** A certificate that is asked about twice is answered once: nobody buys a signature by repeating himself. */
function distinct(request: OcspRequest): OcspRequest {
  const seen = new Map(
    request.certIds.map((certId) => [Buffer.from(encodeCertId(certId)).toString("latin1"), certId]),
  );
  return { ...request, certIds: [...seen.values()] };
}

function requestOf(raw: Uint8Array): OcspRequest | undefined {
  try {
    return distinct(decodeOcspRequest(raw));
  } catch (error) {
    if (isAppError(error, "ocsp_malformed")) return undefined;
    throw error;
  }
}

/** RFC 6960 §4.2.2.2: one signer answers, so all certificates must be of the authority that it answers for. */
function commonAuthority(
  directory: ResponderDirectory | undefined,
  { certIds }: OcspRequest,
): AnsweredAuthority | undefined {
  const authorities = new Set(certIds.map((certId) => directory?.authorityOf(certId)));
  const [authority] = authorities;
  return authorities.size === 1 ? authority : undefined;
}

async function readAll(
  app: App,
  fleet: string,
  authority: AnsweredAuthority,
  { certIds }: OcspRequest,
): Promise<readonly KnownStatus[] | undefined> {
  const { authorityId } = authority.issuer.record;
  const read = await Promise.all(certIds.map((certId) => readStatus(app, fleet, authorityId, certId)));
  const known = read.filter((each) => each !== undefined);
  return known.length === read.length ? known : undefined;
}

/**
 * RFC 9919 §7.2 lets caches keep an answer until nextUpdate. Ours is half a minute, whatever nextUpdate says, so that
 * a cache does not outlast the promise of when a revocation is known.
 */
function cacheable(app: App, { body, nextUpdate }: Omit<SignedAnswer, "thisUpdate">): OcspAnswer {
  const left = Math.max(0, Math.floor((nextUpdate - app.clock.now()) / 1000));
  return {
    body,
    nextUpdate,
    maxAgeSeconds: Math.min(revocationStandard.cacheSeconds, left),
    etag: `"${hash("sha256", body)}"`,
  };
}

async function answer(
  app: App,
  directory: ResponderDirectory | undefined,
  fleet: string,
  request: OcspRequest,
): Promise<OcspAnswer> {
  const authority = commonAuthority(directory, request);
  if (authority === undefined) return refusal(unauthorized);
  const known = await readAll(app, fleet, authority, request);
  const [first] = known ?? [];
  if (known === undefined || first === undefined) return refusal(unauthorized);
  const { responder } = authority;
  const now = app.clock.now();
  if (responder === undefined || responder.record.notAfter <= now) return refusal(tryLater);
  const { nonce } = request;
  if (nonce !== undefined) {
    const { body, nextUpdate } = await signAnswer(app, responder, known, nonce);
    return { body, nextUpdate };
  }
  const single = known.length === 1;
  const kept = single ? keptAnswer(app, responder, first) : undefined;
  if (kept !== undefined) return cacheable(app, kept);
  const signed = await signAnswer(app, responder, known);
  if (single) await keepAnswer(app, responder, first, signed);
  return cacheable(app, signed);
}

/** RFC 6960 §2.3: what we cannot do now, and what we cannot do at all. */
function refusalOf(app: App, fleet: string, error: unknown): OcspAnswer {
  if (!isAppError(error)) throw error;
  app.log.error("ocsp_not_answered", { fleet, code: error.code });
  const busy = error.code === "store_unavailable" || error.code === "key_service_unavailable";
  return refusal(busy ? tryLater : internalError);
}

/**
 * Answers questions about the fleets of `app`; one for the life of a process, for it remembers for five seconds who
 * may answer for which authority. See docs/ocsp.md for what is answered when.
 */
export function ocspResponder(app: App): OcspResponder {
  const directoryOf = rememberedDirectories(app);
  return async ({ fleet, request: raw }) => {
    const request = requestOf(raw);
    if (request === undefined) return refusal(malformedRequest);
    try {
      return await answer(app, await directoryOf(fleet), fleet, request);
    } catch (error) {
      return refusalOf(app, fleet, error);
    }
  };
}
