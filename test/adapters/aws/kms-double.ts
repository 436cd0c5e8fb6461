/**
 * Room: test/adapters/aws. A double of KMS below the SDK client: it reads the requests as they go over the wire,
 * refuses what KMS refuses (message types, lengths, digests, algorithms, states), and signs with real keys.
 */
import { randomUUID } from "node:crypto";
import { KMSClient } from "@aws-sdk/client-kms";
import { clientConfiguration, type RequestHandler } from "../../../adapters/aws/client-configuration.ts";
import { digests, doubleSpecs } from "./double-keys.ts";
import { custodyOperations, DoubleRefusal, type KmsDoubleKey } from "./kms-double-custody.ts";
import { wrappingOperations } from "./kms-double-wrapping.ts";

type Handle = RequestHandler["handle"];
type Options = Parameters<Handle>[1];
type Body = Readonly<Record<string, unknown>>;

export interface RecordedRequest {
  /** The operation: what follows `TrentService.` in X-Amz-Target. */
  readonly operation: string;
  /** The JSON as sent. */
  readonly body: Body;
}

/**
 * A refusal by name; `answerLost`: carried out, but the answer never comes; `silence`: nothing ever comes;
 * `unreachable`: no way to KMS.
 */
export type KmsFault = string;

const region = "eu-central-1";
const serverFaults = new Set([
  "KMSInternalException",
  "KeyUnavailableException",
  "DependencyTimeoutException",
]);

const bodyText = (body: string | Uint8Array): string =>
  typeof body === "string" ? body : new TextDecoder().decode(body);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

export class KmsDouble {
  readonly requests: RecordedRequest[] = [];
  readonly keys = new Map<string, KmsDoubleKey>();
  readonly aliases = new Map<string, string>();
  /** Asked before each request; what it returns happens instead. */
  fault: (request: RecordedRequest) => KmsFault | undefined = () => undefined;

  /** Requests of one operation so far. */
  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  /** A client as the deployment configures it, whose requests end here. */
  client(): KMSClient {
    const requestHandler = { handle: this.#handle, destroy: () => undefined };
    const credentials = { accessKeyId: "double", secretAccessKey: "double" };
    return new KMSClient({ ...clientConfiguration({ requestHandler }), region, credentials });
  }

  /** A key as an operator would make it; the alias is whole: `alias/…`. */
  addKey(spec: string, alias?: string): KmsDoubleKey {
    const made = doubleSpecs[spec]?.make();
    if (made === undefined) throw new DoubleRefusal("ValidationException", `no key spec ${spec}`);
    const arn = `arn:aws:kms:${region}:000000000000:key/${randomUUID()}`;
    const key: KmsDoubleKey = {
      ...made,
      arn,
      spec,
      usage: "SIGN_VERIFY",
      state: "Enabled",
      createdAt: 1_700_000_000,
      grants: new Map(),
      rotations: [],
    };
    this.keys.set(arn, key);
    if (alias !== undefined) this.aliases.set(alias, arn);
    return key;
  }

  readonly #handle: Handle = async (request, options) => {
    const operation = (request.headers["x-amz-target"] ?? "").replace("TrentService.", "");
    const body = JSON.parse(bodyText(request.body as string | Uint8Array)) as Body;
    const recorded = { operation, body };
    this.requests.push(recorded);
    const fault = this.fault(recorded);
    if (fault === "silence") return silence(options);
    if (fault === "unreachable") throw Object.assign(new Error("no route"), { code: "EHOSTUNREACH" });
    if (fault !== undefined && fault !== "answerLost") return refusal(fault, `refused: ${fault}`);
    try {
      const result = this.#carryOut(operation, body);
      if (fault === "answerLost") throw Object.assign(new Error("no answer"), { name: "TimeoutError" });
      return answer(200, result);
    } catch (error) {
      if (error instanceof DoubleRefusal) return refusal(error.name, error.message);
      throw error;
    }
  };

  #carryOut(operation: string, body: Body): Body {
    switch (operation) {
      case "Sign":
        return this.#sign(body);
      case "GetPublicKey":
        return this.#getPublicKey(body);
      case "CreateKey": {
        const { arn, spec, usage } = this.addKey(text(body["KeySpec"]));
        return { KeyMetadata: { Arn: arn, KeyId: arn.split("/")[1], KeySpec: spec, KeyUsage: usage } };
      }
      case "CreateAlias":
        return this.#createAlias(text(body["AliasName"]), text(body["TargetKeyId"]));
      default: {
        const wrapping = wrappingOperations[operation];
        if (wrapping !== undefined) return wrapping((KeyId) => this.#find({ KeyId }), body);
        const custody = custodyOperations[operation];
        if (custody === undefined) throw new DoubleRefusal("UnknownOperationException", operation);
        return custody(this.#find(body), body);
      }
    }
  }

  #find(body: Body): KmsDoubleKey {
    const id = text(body["KeyId"]);
    const key = this.keys.get(this.aliases.get(id) ?? id);
    if (key === undefined) throw new DoubleRefusal("NotFoundException", `${id} is not found`);
    return key;
  }

  #getPublicKey(body: Body): Body {
    const { arn, spec, usage, publicKey } = this.#find(body);
    const SigningAlgorithms = doubleSpecs[spec]?.algorithms;
    return {
      KeyId: arn,
      KeySpec: spec,
      KeyUsage: usage,
      SigningAlgorithms,
      PublicKey: publicKey.toString("base64"),
    };
  }

  #createAlias(alias: string, target: string): Body {
    if (this.aliases.has(alias)) throw new DoubleRefusal("AlreadyExistsException", `${alias} already exists`);
    this.aliases.set(alias, target);
    return {};
  }

  #sign(body: Body): Body {
    const key = this.#find(body);
    if (key.state === "Disabled") throw new DoubleRefusal("DisabledException", "is disabled");
    if (key.state === "PendingDeletion")
      throw new DoubleRefusal("KMSInvalidStateException", "is pending deletion");
    const algorithm = text(body["SigningAlgorithm"]);
    if (!doubleSpecs[key.spec]?.algorithms.includes(algorithm) || key.usage !== "SIGN_VERIFY")
      throw new DoubleRefusal("InvalidKeyUsageException", `${algorithm} is incompatible with ${key.spec}`);
    const message = Buffer.from(text(body["Message"]), "base64");
    if (message.length < 1 || message.length > 4_096)
      throw new DoubleRefusal("ValidationException", "Member must have length between 1 and 4096");
    const signature = signatureOf(key, algorithm, text(body["MessageType"]), message);
    return { KeyId: key.arn, SigningAlgorithm: algorithm, Signature: signature.toString("base64") };
  }
}

function signatureOf(key: KmsDoubleKey, algorithm: string, type: string, message: Buffer): Buffer {
  if (type === "RAW" || type === "") return key.signRaw(message, algorithm);
  if (type === "DIGEST" && key.signDigest !== undefined) {
    if (message.length !== digests[algorithm]?.octets)
      throw new DoubleRefusal("ValidationException", `Digest is invalid length for algorithm ${algorithm}`);
    return key.signDigest(message, algorithm);
  }
  if (type === "EXTERNAL_MU" && key.signRepresentative !== undefined) {
    if (message.length !== 64) throw new DoubleRefusal("ValidationException", "EXTERNAL_MU must be 64 bytes");
    return key.signRepresentative(message);
  }
  throw new DoubleRefusal("ValidationException", `MessageType ${type} is not valid for ${algorithm}`);
}

function answer(statusCode: number, body: Body) {
  const headers = { "content-type": "application/x-amz-json-1.1" };
  return { response: { statusCode, headers, body: Buffer.from(JSON.stringify(body)) } as never };
}

const refusal = (name: string, message: string) =>
  answer(serverFaults.has(name) ? 500 : 400, { __type: name, message });

/** As a network that swallows the request: the client's own clock ends it. */
function silence(options: Options): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
    (options?.abortSignal as AbortSignal | undefined)?.addEventListener("abort", abort, { once: true });
  });
}
