/**
 * Room: adapters/aws. The ObjectStore on S3: one bucket, conditional writes.
 *
 * A tag is the ETag. S3 says that it reflects changes to the octets, and to nothing else; where KMS encrypts the bucket
 * it is not their MD5, and each put has its own. Elsewhere it is their MD5: equal octets have equal tags there.
 */
import { randomUUID } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { checkObject, checkObjectKey } from "../../core/object-limits.ts";
import type { NewObject, ObjectStore, ObjectVersion, StoredObject } from "../../core/ports.ts";
import { callMilliseconds, clientConfiguration, requestMilliseconds } from "./client-configuration.ts";
import { patiently } from "./patience.ts";
import { readBody, transferMilliseconds } from "./s3/object-body.ts";
import {
  mayHold,
  type PutCondition,
  putRequest,
  putResult,
  versionOf,
  writeIdName,
} from "./s3/put-requests.ts";
import { conditionFailed, isAbsent, refusalOf } from "./s3/refusals.ts";

export interface S3ObjectStoreOptions {
  readonly bucket: string;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: S3Client;
  /** Milliseconds after which a call gives up, retries included; a millisecond more for each 1,000 octets. @default 8,000 */
  readonly patience?: number;
}

/** What one attempt may take. */
interface AttemptLimits {
  readonly abortSignal: AbortSignal;
  /** Milliseconds to the head of the answer. */
  readonly requestTimeout: number;
}

/**
 * As the port promises. Besides what the port names, a call throws configuration_invalid: no such bucket, no
 * permission, no credentials. Without s3:ListBucket S3 does not tell absence from prohibition, and neither does `get`:
 * it throws.
 */
export function s3ObjectStore(options: S3ObjectStoreOptions): S3ObjectStore {
  const { bucket, client = new S3Client(clientConfiguration()) } = options;
  return new S3ObjectStore(client, bucket, options.patience ?? callMilliseconds);
}

/** Made by `s3ObjectStore`. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #patience: number;

  constructor(client: S3Client, bucket: string, patience: number) {
    this.#client = client;
    this.#bucket = bucket;
    this.#patience = patience;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    checkObjectKey(key);
    return this.#patiently(0, async (signal) => {
      const answer = await this.#open(key, signal);
      if (answer === undefined) return undefined;
      const { ContentLength: length, ContentType: contentType, CacheControl: cacheControl } = answer;
      const body = await readBody(
        answer.Body,
        length,
        requestMilliseconds + transferMilliseconds(length ?? 0),
      );
      return {
        body,
        contentType: contentType ?? "application/octet-stream",
        ...(cacheControl === undefined ? {} : { cacheControl }),
        ...putResult(answer),
        ...versionOf(answer.VersionId),
      };
    });
  }

  async put(key: string, object: NewObject, when?: PutCondition): Promise<ObjectVersion> {
    checkObject(key, object);
    if (!mayHold(when)) throw conditionFailed(this.#bucket);
    const writeId = randomUUID();
    const request = putRequest(this.#bucket, key, object, when, writeId);
    const octets = object.body.byteLength;
    const requestTimeout = requestMilliseconds + transferMilliseconds(octets);
    return this.#patiently(octets, (abortSignal) =>
      this.#put(request, writeId, { abortSignal, requestTimeout }),
    );
  }

  /** S3 answers the same where nothing is. In a versioned bucket a delete marker hides the object. */
  async remove(key: string): Promise<void> {
    checkObjectKey(key);
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#patiently(0, async (abortSignal) => {
      await this.#client.send(command, { abortSignal, requestTimeout: requestMilliseconds });
    });
  }

  async #put(request: PutObjectCommandInput, writeId: string, limits: AttemptLimits): Promise<ObjectVersion> {
    try {
      return putResult(await this.#client.send(new PutObjectCommand(request), limits));
    } catch (cause) {
      // With If-Match, S3 says of an object that is not there that it is not there.
      if (isAbsent(cause)) throw conditionFailed(this.#bucket, cause);
      const error = refusalOf(this.#bucket, cause);
      if (error.code !== "store_condition_failed") throw error;
      return (await this.#written(request, writeId, limits)) ?? Promise.reject(error);
    }
  }

  /**
   * The result of this very call, when the object that is there bears its mark. A put whose answer was lost finds its
   * own object when repeated, and S3 then says that the condition does not hold. When another writer has replaced that
   * object meanwhile, the call is told what every reader sees: the object is another one.
   */
  async #written(
    { Bucket, Key }: PutObjectCommandInput,
    writeId: string,
    limits: AttemptLimits,
  ): Promise<ObjectVersion | undefined> {
    try {
      const answer = await this.#client.send(new HeadObjectCommand({ Bucket, Key }), limits);
      return answer.Metadata?.[writeIdName] === writeId ? putResult(answer) : undefined;
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw cause;
    }
  }

  /** The answer whose body is still to be read; `signal` ends the wait for its head only. */
  async #open(key: string, signal: AbortSignal): Promise<GetObjectCommandOutput | undefined> {
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
      return await this.#client.send(command, { abortSignal: attempt.signal });
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw cause;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #patiently<Result>(octets: number, send: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return patiently(this.#patience + transferMilliseconds(octets), send, (cause) =>
      refusalOf(this.#bucket, cause),
    );
  }
}
