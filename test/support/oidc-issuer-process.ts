/** Room: test/support. The process of oidc-issuer.ts. */
import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { exportJWK, SignJWT } from "jose";
import { makeFakeAuthority } from "../cli/fake-authority.ts";
import type { Behaviour, IssuerAlgorithm, SigningOptions } from "./oidc-issuer.ts";
import { answerDiscovery, answerKeys, type Published } from "./oidc-issuer-answers.ts";

interface Ask {
  readonly id: number;
  readonly act: "sign" | "rotate" | "fetches" | "behave";
  readonly claims?: Record<string, unknown>;
  readonly options?: SigningOptions;
  readonly behaviour?: Behaviour;
  readonly algorithm?: IssuerAlgorithm;
}

interface Key {
  readonly kid: string;
  readonly alg: IssuerAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const ec = (namedCurve: string) => () => generateKeyPairSync("ec", { namedCurve });
const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const ed25519 = () => generateKeyPairSync("ed25519");
const makers: Record<IssuerAlgorithm, () => { publicKey: KeyObject; privateKey: KeyObject }> = {
  ES256: ec("P-256"),
  ES384: ec("P-384"),
  ES512: ec("P-521"),
  RS256: rsa,
  PS256: rsa,
  RS512: rsa,
  EdDSA: ed25519,
  Ed25519: ed25519,
};

let made = 0;
function newKey(alg: IssuerAlgorithm): Key {
  made += 1;
  return { kid: `key-${made}`, alg, ...makers[alg]() };
}

let current = newKey("ES256");
let other = newKey("ES256");
let behaviour: Behaviour = "good";
const fetched = { discovery: 0, keys: 0 };

async function published(): Promise<Published> {
  const members = { kid: current.kid, alg: current.alg, use: "sig" };
  return {
    issuer,
    elsewhere,
    publicJwk: { ...(await exportJWK(current.publicKey)), ...members },
    privateJwk: { ...(await exportJWK(current.privateKey)), ...members },
  };
}

const authority = makeFakeAuthority();
const tls = authority.issueServer("127.0.0.1");

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("content-type", "application/json");
  const asksForKeys = request.url !== "/.well-known/openid-configuration";
  fetched[asksForKeys ? "keys" : "discovery"] += 1;
  (asksForKeys ? answerKeys : answerDiscovery)(response, await published(), behaviour);
}

/** @returns The URL of a server on a port of its own. */
async function listen(): Promise<string> {
  const server = createServer({ cert: tls.certificate, key: tls.privateKey }, (request, response) => {
    void answer(request, response);
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

async function unsigned(payload: object, header: object, kind: SigningOptions["key"]): Promise<string> {
  const alg = kind === "none" ? "none" : "HS256";
  const input = `${encode({ alg, kid: current.kid, typ: "JWT", ...header })}.${encode(payload)}`;
  if (kind === "none") return `${input}.`;
  const secret =
    kind === "publicPem"
      ? current.publicKey.export({ type: "spki", format: "pem" })
      : JSON.stringify(await exportJWK(current.publicKey));
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

async function signToken({ claims = {}, options = {} }: Ask): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all: Record<string, unknown> = { iss: issuer, iat: now, exp: now + 300, ...claims };
  for (const name of options.without ?? []) delete all[name];
  const { key = "current", header = {} } = options;
  if (key === "none" || key === "publicPem" || key === "publicJwk") return unsigned(all, header, key);
  const { privateKey } = key === "other" ? other : current;
  return (
    new SignJWT(all)
      .setProtectedHeader({ alg: current.alg, kid: current.kid, typ: "JWT", ...header })
      // What a test calls critical, jose would not sign.
      .sign(privateKey, { crit: { "x-unknown": true } })
  );
}

async function act(ask: Ask): Promise<object> {
  switch (ask.act) {
    case "sign":
      return { token: await signToken(ask) };
    case "rotate":
      current = newKey(ask.algorithm ?? "ES256");
      other = newKey(current.alg);
      return {};
    case "fetches":
      return { ...fetched };
    case "behave":
      behaviour = ask.behaviour ?? "good";
      return {};
  }
}

process.on("message", (ask: Ask) => {
  act(ask).then(
    (answered) => process.send?.({ id: ask.id, ...answered }),
    (error: unknown) => process.send?.({ id: ask.id, failure: String(error) }),
  );
});
// Whoever started it is gone.
process.on("disconnect", () => process.exit(0));

const issuer = await listen();
const elsewhere = await listen();
process.send?.({ issuer, ca: authority.root });
