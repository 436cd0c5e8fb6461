/**
 * Room: adapters/aws. A put as S3 takes it, and what became of one whose answer was lost.
 */
import { hash } from "node:crypto";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { NewObject, ObjectStore, ObjectVersion } from "../../../core/ports.ts";

export type PutCondition = Parameters<ObjectStore["put"]>[2];

/** User metadata (`x-amz-meta-…`) that tells one call of put from every other, also from one with the same octets. */
export const writeIdName = "fleetkey-write";

// RFC 9110 §8.8.3, strong. Anything else is no tag of S3; `*` above all, which would mean: whatever is there.
const entityTag = /^"[\x21\x23-\x7e]{1,128}"$/;

/** False for a condition that can hold for no object of S3. */
export const mayHold = (when: PutCondition): boolean =>
  when === undefined || when === "absent" || entityTag.test(when.tag);

function conditionOf(when: PutCondition): Pick<PutObjectCommandInput, "IfMatch" | "IfNoneMatch"> {
  if (when === undefined) return {};
  return when === "absent" ? { IfNoneMatch: "*" } : { IfMatch: when.tag };
}

export function putRequest(
  bucket: string,
  key: string,
  object: NewObject,
  when: PutCondition,
  writeId: string,
): PutObjectCommandInput {
  return {
    Bucket: bucket,
    Key: key,
    Body: object.body,
    ContentType: object.contentType,
    ...(object.cacheControl === undefined ? {} : { CacheControl: object.cacheControl }),
    // S3 compares it before it stores, keeps it, and sends it with every reading. A bucket with Object Lock takes no
    // put without a checksum.
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: hash("sha256", object.body, "base64"),
    Metadata: { [writeIdName]: writeId },
    ...conditionOf(when),
  };
}

/** A bucket whose versioning is suspended says "null" of what the next put replaces: that names no version for good. */
export const versionOf = (versionId: string | undefined): { readonly versionId?: string } =>
  versionId === undefined || versionId === "null" ? {} : { versionId };

/** @throws Error when S3 gave no tag, which its API promises. */
export function putResult(answer: {
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
}): ObjectVersion {
  const { ETag: tag, VersionId: versionId } = answer;
  if (tag === undefined) throw new Error("S3 gave no ETag");
  return { tag, ...versionOf(versionId) };
}
