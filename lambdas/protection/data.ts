/** Room: lambdas/protection. What backends protect and read with: data keys, messages, subject keys. */
import type { PipelineCaller } from "../../core/access/caller.ts";
import type { EncryptedDataKey, ProtectionApp } from "../../core/ports.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import type { HttpEvent, HttpResult, RouteHandlers } from "../http/message.ts";
import {
  contextRequest,
  createDataKeyPairRequest,
  createDataKeyRequest,
  decryptRequest,
  encryptedDataKey,
  encryptRequest,
  messageOf,
  plaintextOf,
  reencryptRequest,
  subjectKeyRequest,
  unwrapDataKeyRequest,
} from "../http/protection-schemas.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Handle = (request: {
  readonly event: HttpEvent;
  readonly path: { readonly fleet: string };
  readonly caller: PipelineCaller;
}) => Promise<HttpResult>;

type Data = Exclude<
  keyof RouteHandlers<"protection">,
  | `${string}OperatorDecryption${string}`
  | `${string}eencryption`
  | `${string}Reencryptions`
  | `${string}Shred${string}`
  | "shredData"
  | "readAsOperator"
>;

const defaultKeyPair = "P-256";
const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");

/** Text of `octets`, which are in the clear: they are overwritten, the text is the answer's. */
function shown(octets: Buffer): string {
  const encoded = octets.toString("base64");
  octets.fill(0);
  return encoded;
}

function wrappedKey({ providerId, providerInfo, encryptedDataKey: key }: EncryptedDataKey) {
  return { providerId, providerInfo: base64(providerInfo), encryptedDataKey: base64(key) };
}

function keyHandlers(app: ProtectionApp) {
  const create: Handle = async ({ event, path: { fleet }, caller }) => {
    const { context, plaintext: withPlaintext = true } = parse(createDataKeyRequest, bodyJson(event), "body");
    const request = { caller, context: contextRequest(fleet, context), withPlaintext };
    const made = await createDataKey(app, request);
    return jsonResult(201, {
      context: made.context,
      wrapped: wrappedKey(made.wrapped),
      ...(made.plaintext === undefined ? {} : { plaintext: shown(made.plaintext) }),
    });
  };
  const unwrap: Handle = async ({ event, path: { fleet }, caller }) => {
    const { context, wrapped } = parse(unwrapDataKeyRequest, bodyJson(event), "body");
    const request = { caller, context: contextRequest(fleet, context), wrapped: encryptedDataKey(wrapped) };
    const { plaintext } = await unwrapDataKey(app, request);
    return jsonResult(200, { plaintext: shown(plaintext) });
  };
  const pair: Handle = async ({ event, path: { fleet }, caller }) => {
    const { context, keyAlgorithm = defaultKeyPair } = parse(
      createDataKeyPairRequest,
      bodyJson(event),
      "body",
    );
    const request = { caller, context: contextRequest(fleet, context), keyAlgorithm };
    const { wrappedPrivateKey, ...made } = await createDataKeyPair(app, request);
    return jsonResult(201, { ...made, keyAlgorithm, wrappedPrivateKey: base64(wrappedPrivateKey) });
  };
  const subject: Handle = async ({ event, caller }) => {
    const { subject: named } = parse(subjectKeyRequest, bodyJson(event), "body");
    const { wrapped, ...key } = await getSubjectKey(app, { caller, subject: named });
    return jsonResult(200, { ...key, wrapped: base64(wrapped) });
  };
  return { create, unwrap, pair, subject };
}

function messageHandlers(app: ProtectionApp) {
  const encrypt: Handle = async ({ event, path: { fleet }, caller }) => {
    const { context, plaintext: encoded } = parse(encryptRequest, bodyJson(event), "body");
    const plaintext = plaintextOf(encoded);
    try {
      const made = await encryptData(app, { caller, context: contextRequest(fleet, context), plaintext });
      return jsonResult(200, { context: made.context, message: base64(made.message) });
    } finally {
      plaintext.fill(0);
    }
  };
  const decrypt: Handle = async ({ event, path: { fleet }, caller }) => {
    const { context, message } = parse(decryptRequest, bodyJson(event), "body");
    const request = { caller, context: contextRequest(fleet, context), message: messageOf(message) };
    const opened = await decryptData(app, request);
    return jsonResult(200, { context: opened.context, plaintext: shown(opened.plaintext) });
  };
  const reencrypt: Handle = async ({ event, path: { fleet }, caller }) => {
    const { context, message, to } = parse(reencryptRequest, bodyJson(event), "body");
    const made = await reencryptData(app, {
      caller,
      context: contextRequest(fleet, context),
      message: messageOf(message),
      ...(to === undefined ? {} : { to: contextRequest(fleet, to) }),
    });
    return jsonResult(200, {
      context: made.context,
      message: base64(made.message),
      changed: made.changed,
    });
  };
  return { encrypt, decrypt, reencrypt };
}

/** The same for a caller with a certificate, a token, or an AWS signature. */
export function dataHandlers(app: ProtectionApp): Pick<RouteHandlers<"protection">, Data> {
  const { create, unwrap, pair, subject } = keyHandlers(app);
  const { encrypt, decrypt, reencrypt } = messageHandlers(app);
  return {
    createDataKey: create,
    createDataKeyByIam: create,
    unwrapDataKey: unwrap,
    unwrapDataKeyByIam: unwrap,
    createDataKeyPair: pair,
    createDataKeyPairByIam: pair,
    getSubjectKey: subject,
    getSubjectKeyByIam: subject,
    encryptData: encrypt,
    encryptDataByIam: encrypt,
    decryptData: decrypt,
    decryptDataByIam: decrypt,
    reencryptData: reencrypt,
    reencryptDataByIam: reencrypt,
  };
}
