/**
 * Room: test. The routes of data keys over HTTPS with mutual TLS, and nothing else of the service: a raw AES keyring
 * of the SDK wraps, requests are counted, and answers can be made to fail.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  AlgorithmSuiteIdentifier,
  EncryptedDataKey,
  NodeAlgorithmSuite,
  NodeDecryptionMaterial,
  NodeEncryptionMaterial,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
  unwrapDataKey,
} from "@aws-crypto/client-node";
import { type Credential, selfSigned } from "../local/tls-credentials.ts";

type Context = Record<string, string>;
interface WrappedJson {
  readonly providerId: string;
  readonly providerInfo: string;
  readonly encryptedDataKey: string;
}
export interface Scripted {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface KeyServer {
  readonly url: string;
  readonly ca: string;
  readonly client: Credential;
  /** Of the key that wraps; a raw keyring of any client opens with it. */
  readonly wrappingKey: Buffer;
  readonly keyName: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  /** Answers that are given first, before the routes'. */
  readonly scripted: Scripted[];
  /** Data keys that were given out. */
  readonly dataKeys: Buffer[];
  close(): Promise<void>;
}

const suite = new NodeAlgorithmSuite(
  AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
);
const unreadable = JSON.stringify({
  code: "data_unreadable",
  detail: "the data cannot be read: not of this fleet and context, or changed",
});

async function bodyOf(request: IncomingMessage): Promise<{ context: Context; wrapped: WrappedJson }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as { context: Context; wrapped: WrappedJson };
}

const octetsOf = (material: NodeEncryptionMaterial | NodeDecryptionMaterial): Buffer =>
  Buffer.from(unwrapDataKey(material.getUnencryptedDataKey()));

export const keyringOf = ({ wrappingKey, keyName }: Pick<KeyServer, "wrappingKey" | "keyName">) =>
  new RawAesKeyringNode({
    keyNamespace: "fleetkey",
    keyName,
    unencryptedMasterKey: Uint8Array.from(wrappingKey),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    utf8Sorting: true,
  });

export async function startKeyServer(fleet = "default"): Promise<KeyServer> {
  const wrappingKey = randomBytes(32);
  const keyName = `subject-key:${fleet}:s-1:1`;
  const keyring = keyringOf({ wrappingKey, keyName });
  const tls = selfSigned(["commonName", "key server"]);
  const client = selfSigned(["commonName", "backend"]);
  const requests: string[] = [];
  const scripted: Scripted[] = [];
  const dataKeys: Buffer[] = [];

  const create = async (given: Context) => {
    const context = { ...given, fleet };
    const material = await keyring.onEncrypt(new NodeEncryptionMaterial(suite, context));
    const [wrapped] = material.encryptedDataKeys as EncryptedDataKey[];
    if (wrapped === undefined) throw new Error("nothing was wrapped");
    const plaintext = octetsOf(material);
    dataKeys.push(plaintext);
    return {
      context,
      plaintext: plaintext.toString("base64"),
      wrapped: {
        providerId: wrapped.providerId,
        providerInfo: Buffer.from(wrapped.rawInfo ?? []).toString("base64"),
        encryptedDataKey: Buffer.from(wrapped.encryptedDataKey).toString("base64"),
      },
    };
  };
  const open = async (given: Context, { providerId, providerInfo, encryptedDataKey }: WrappedJson) => {
    const rawInfo = Buffer.from(providerInfo, "base64");
    const key = new EncryptedDataKey({
      providerId,
      providerInfo: rawInfo.toString(),
      rawInfo,
      encryptedDataKey: Buffer.from(encryptedDataKey, "base64"),
    });
    const material = new NodeDecryptionMaterial(suite, { ...given, fleet });
    await keyring.onDecrypt(material, [key]);
    return material.hasUnencryptedDataKey ? { plaintext: octetsOf(material).toString("base64") } : undefined;
  };
  const answer = async (request: IncomingMessage): Promise<Scripted> => {
    const { url = "" } = request;
    requests.push(url);
    const body = await bodyOf(request);
    const script = scripted.shift();
    if (script !== undefined) return script;
    if (url.endsWith("/data-keys")) return { status: 201, body: JSON.stringify(await create(body.context)) };
    const opened = await open(body.context, body.wrapped);
    return opened === undefined
      ? { status: 422, body: unreadable }
      : { status: 200, body: JSON.stringify(opened) };
  };

  const server = createServer({ ...tls, ca: client.cert, requestCert: true }, (request, response) => {
    answer(request).then(
      ({ status, headers = {}, body = "{}" }) =>
        response.writeHead(status, { "content-type": "application/json", ...headers }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    ca: tls.cert,
    client,
    wrappingKey,
    keyName,
    requests,
    scripted,
    dataKeys,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
