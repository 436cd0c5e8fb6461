/**
 * The ObjectStore contract on independent emulators of S3, over buckets that keep versions, as the state stack's do.
 * What an emulator lacks is asserted, so that the day it is mended this file says so.
 */
import { hash } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { s3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { type ModelledRequest, modelComplaints } from "../support/aws-model.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";
import { codeOf } from "../support/errors.ts";
import { faultyRequests, type RequestFault } from "./support/faulty-requests.ts";

interface OpenBucket {
  readonly url: string;
  readonly client: S3Client;
  /** Its requests meet what `faults` holds, one each. */
  readonly faulty: S3Client;
  readonly faults: RequestFault[];
  readonly bucket: string;
  readonly close: () => Promise<void>;
}

async function createBucket(client: S3Client, bucket: string, objectLock = false): Promise<void> {
  const location = { CreateBucketConfiguration: { LocationConstraint: emulatorClient.region } };
  await client.send(
    new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: objectLock, ...location }),
  );
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
}

async function openBucket(start: () => Promise<Emulator>): Promise<OpenBucket> {
  const emulator = await start();
  const place = { ...emulatorClient, endpoint: emulator.url, forcePathStyle: true };
  const client = new S3Client({ ...clientConfiguration(), ...place });
  const faults: RequestFault[] = [];
  const { handler } = faultyRequests(
    () => faults.shift() ?? "none",
    () => undefined,
  );
  const faulty = new S3Client({ ...clientConfiguration({ requestHandler: handler }), ...place });
  const bucket = "fleetkey-judge";
  await createBucket(client, bucket);
  const close = async (): Promise<void> => {
    client.destroy();
    faulty.destroy();
    await emulator.close();
  };
  return { url: emulator.url, client, faulty, faults, bucket, close };
}

for (const { name, start, judgesConditionsAtOnce } of [
  // moto 5.2.5 compares the tag in one step and writes in another: under load two of its threads pass one condition.
  { name: "moto", start: startMoto, judgesConditionsAtOnce: false },
  { name: "ministack", start: startMinistack, judgesConditionsAtOnce: true },
]) {
  objectStoreContract(
    `S3, ${name}`,
    async () => {
      const { client, bucket, close } = await openBucket(start);
      return { store: s3ObjectStore({ bucket, client }), close };
    },
    { namesVersions: true, judgesConditionsAtOnce },
  );
}

const text = (content: string) => ({ body: Buffer.from(content), contentType: "text/plain" });

/** Opened before the tests of a `describe`, closed after them. */
function running(open: () => Promise<OpenBucket>): () => OpenBucket {
  let opened: OpenBucket | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => {
    await opened?.close();
  });
  return () => opened ?? expect.fail("the bucket is open only while its tests run");
}

async function versionsOf({ client, bucket }: OpenBucket, key: string): Promise<number> {
  const answer = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }));
  return answer.Versions?.length ?? 0;
}

/** Whatever the emulator, S3 itself among them. */
function commonBehaviour(open: () => OpenBucket): void {
  const store = () => s3ObjectStore(open());

  it("a version id names its octets for good", async () => {
    const { client, bucket } = open();
    const { versionId } = await store().put("versions", text("first"));
    await store().put("versions", text("second"));
    const answer = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: "versions", VersionId: versionId }),
    );
    expect(await answer.Body?.transformToString()).toBe("first");
    expect((await store().get("versions"))?.versionId).not.toBe(versionId);
  });

  it("SHA-256 is kept beside the octets", async () => {
    const { client, bucket } = open();
    await store().put("checksum", text("x"));
    const head = new HeadObjectCommand({ Bucket: bucket, Key: "checksum", ChecksumMode: "ENABLED" });
    expect((await client.send(head)).ChecksumSHA256).toBe(hash("sha256", "x", "base64"));
  });

  it.each([
    { name: "where nothing was", present: false, versions: 1 },
    { name: "of a tag", present: true, versions: 2 },
  ])("a put $name whose answer is lost is done once, and told so", async ({ name, present, versions }) => {
    const { bucket, faulty, faults } = open();
    const key = `lost/${versions}`;
    const before = present ? await store().put(key, text("before")) : undefined;
    faults.push("answerLost");
    const when = before === undefined ? "absent" : { tag: before.tag };
    const { tag, versionId } = await s3ObjectStore({ bucket, client: faulty }).put(key, text(name), when);
    expect(faults).toEqual([]);
    const read = await store().get(key);
    expect({ tag: read?.tag, versionId: read?.versionId }).toEqual({ tag, versionId });
    expect(await versionsOf(open(), key)).toBe(versions);
  });

  it("a bucket that is not there is configuration_invalid", async () => {
    const elsewhere = s3ObjectStore({ ...open(), bucket: "fleetkey-elsewhere" });
    expect(await codeOf(elsewhere.get("a"))).toBe("configuration_invalid");
    expect(await codeOf(elsewhere.put("a", text("x"), "absent"))).toBe("configuration_invalid");
  });

  it("a bucket with Object Lock and retention takes puts, and keeps what they replace", async () => {
    const { client } = open();
    const bucket = "fleetkey-records";
    await createBucket(client, bucket, true);
    const Rule = { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } } as const;
    await client.send(
      new PutObjectLockConfigurationCommand({
        Bucket: bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule },
      }),
    );
    const records = s3ObjectStore({ client, bucket });
    const { versionId } = await records.put("record.json", text("first"), "absent");
    expect(await codeOf(records.put("record.json", text("second"), "absent"))).toBe("store_condition_failed");
    const removal = new DeleteObjectCommand({ Bucket: bucket, Key: "record.json", VersionId: versionId });
    await expect(client.send(removal)).rejects.toMatchObject({ name: "AccessDenied" });
  });

  it("gap: where KMS encrypts the bucket a tag is the MD5 of the octets, and S3's is not", async () => {
    const { client } = open();
    const bucket = "fleetkey-encrypted";
    await createBucket(client, bucket);
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } } as const];
    await client.send(
      new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules } }),
    );
    const { tag } = await s3ObjectStore({ client, bucket }).put("a", text("x"));
    expect(tag).toBe(`"${hash("md5", "x")}"`);
  });
}

const wrongChecksum = (bucket: string) =>
  new PutObjectCommand({
    Bucket: bucket,
    Key: "wrong",
    Body: "x",
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: hash("sha256", "y", "base64"),
  });

/** The answer's status to a put with neither checksum nor Content-MD5, which no SDK sends. */
async function plainPut({ url }: OpenBucket, path: string): Promise<number> {
  const authorization =
    "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0";
  const answer = await fetch(`${url}/${path}`, { method: "PUT", body: "x", headers: { authorization } });
  await answer.arrayBuffer();
  return answer.status;
}

describe("S3, moto: behaviour and gaps", () => {
  const open = running(() => openBucket(startMoto));
  commonBehaviour(open);

  it("gap: octets that are not those of their checksum are stored", async () => {
    const { client, bucket } = open();
    const answer = await client.send(wrongChecksum(bucket));
    expect(answer.$metadata.httpStatusCode).toBe(200);
  });

  it("Object Lock takes no put without a checksum", async () => {
    expect(await plainPut(open(), "fleetkey-records/plain")).toBe(400);
  });
});

describe("S3, ministack: behaviour and gaps", () => {
  const open = running(() => openBucket(startMinistack));
  commonBehaviour(open);

  it("octets that are not those of their checksum are refused", async () => {
    const { client, bucket } = open();
    await expect(client.send(wrongChecksum(bucket))).rejects.toMatchObject({ name: "BadDigest" });
  });

  it("gap: Object Lock takes a put without a checksum", async () => {
    expect(await plainPut(open(), "fleetkey-records/plain")).toBe(200);
  });

  it("gap: If-Match: * holds for whatever is there, which is why the adapter never sends it", async () => {
    const { client, bucket } = open();
    await s3ObjectStore(open()).put("star", text("x"));
    const command = new PutObjectCommand({ Bucket: bucket, Key: "star", Body: "y", IfMatch: "*" });
    expect((await client.send(command)).$metadata.httpStatusCode).toBe(200);
    expect(await codeOf(s3ObjectStore(open()).put("star", text("z"), { tag: "*" }))).toBe(
      "store_condition_failed",
    );
  });
});

describe("requests to S3", () => {
  it("fit AWS's own model of the API", async () => {
    const { client, bucket, close } = await openBucket(startMoto);
    const requests: ModelledRequest[] = [];
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          const { Body: body, ...rest } = args.input as { readonly Body?: Uint8Array };
          const blob = body === undefined ? {} : { Body: Buffer.from(body).toString("base64") };
          requests.push({
            operation: String(commandName).replace(/Command$/, ""),
            body: { ...rest, ...blob },
          });
          return next(args);
        },
      { step: "initialize", name: "recorded" },
    );
    const store = s3ObjectStore({ client, bucket });
    const { tag } = await store.put("a", { ...text("x"), cacheControl: "no-store" }, "absent");
    await store.put("a", text("y"), { tag });
    await store.put("a", text("z"));
    await codeOf(store.put("a", text("y"), "absent"));
    await store.get("a");
    await close();
    const kinds = ["PutObject", "PutObject", "PutObject", "PutObject", "HeadObject", "GetObject"];
    expect(requests.map(({ operation }) => operation)).toEqual(kinds);
    expect(await modelComplaints("s3", requests)).toEqual(kinds.map(() => []));
  });
});
