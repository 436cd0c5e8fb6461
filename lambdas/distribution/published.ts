/** Room: lambdas/distribution. What was published, from the object store as it lies there: no key, no item is touched. */
import { artifactKey, manifestVersionKey } from "../../core/distribution/artifacts.ts";
import { AppError } from "../../core/errors.ts";
import type { ReaderApp } from "../../core/ports.ts";
import { crlObjectKey } from "../../core/revocation/status-places.ts";
import type { HttpEvent, HttpResult, RouteHandlers } from "../http/message.ts";
import { objectResult } from "../http/response.ts";

type Published =
  | "getTrustManifest"
  | "getTrustManifestVersion"
  | "getTrustBundle"
  | "getTrustPkcs7"
  | "getTrustDer"
  | "getJwks"
  | "getCrl";

export interface AnswerLimit {
  /** Octets of an object that an answer holds. @default no limit */
  readonly answerOctets?: number;
}

/** The part of a name before its ending, such as `.crl`, which the path's check has seen. */
const stem = (name: string): string => name.slice(0, name.lastIndexOf("."));

/** @throws AppError not_found: no such fleet, or nothing of that name was published; answer_too_large. */
export function publishedHandlers(
  { artifacts }: ReaderApp,
  { answerOctets }: AnswerLimit = {},
): Pick<RouteHandlers<"distribution">, Published> {
  const show = async (event: HttpEvent, key: string): Promise<HttpResult> => {
    const object = await artifacts.get(key);
    if (object === undefined) throw new AppError("not_found", "nothing of that name is published here");
    return objectResult(event, object, answerOctets);
  };
  return {
    getTrustManifest: ({ event, path: { fleet } }) => show(event, artifactKey(fleet, "trust.jws")),
    getTrustManifestVersion: ({ event, path: { fleet, manifest } }) =>
      show(event, manifestVersionKey(fleet, Number(stem(manifest)))),
    getTrustBundle: ({ event, path: { fleet } }) => show(event, artifactKey(fleet, "trust.pem")),
    getTrustPkcs7: ({ event, path: { fleet } }) => show(event, artifactKey(fleet, "trust.p7b")),
    getTrustDer: ({ event, path: { fleet } }) => show(event, artifactKey(fleet, "trust.der")),
    getJwks: ({ event, path: { fleet } }) => show(event, artifactKey(fleet, "jwks.json")),
    getCrl: ({ event, path: { fleet, authorityId, list } }) =>
      show(event, crlObjectKey(fleet, authorityId, stem(list))),
  };
}
