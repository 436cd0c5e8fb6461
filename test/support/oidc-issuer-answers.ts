/** Room: test/support. What the issuer of oidc-issuer.ts sends, well or badly behaved. */
import type { ServerResponse } from "node:http";
import type { Behaviour } from "./oidc-issuer.ts";

/** What an answer is made of. */
export interface Published {
  readonly issuer: string;
  /** The same server at another port. */
  readonly elsewhere: string;
  /** JWK, public. */
  readonly publicJwk: object;
  readonly privateJwk: object;
}

type Answer = (response: ServerResponse, published: Published) => void;

const json = (value: object): string => JSON.stringify(value);
const keys = (list: readonly unknown[]): string => json({ keys: list });

/** Half of what was announced. */
function half(response: ServerResponse, { publicJwk }: Published): void {
  const whole = keys([publicJwk]);
  response.writeHead(200, { "content-length": whole.length });
  response.write(whole.slice(0, whole.length / 2));
}

const good: Answer = (response, { publicJwk }) => response.end(keys([publicJwk]));

const forKeys: Partial<Record<Behaviour, Answer>> = {
  oversize: (response, { publicJwk }) =>
    response.end(json({ keys: [publicJwk], padding: "x".repeat(300_000) })),
  // What is refused for its status is in order otherwise.
  redirect: (response, { issuer, publicJwk }) =>
    response.writeHead(302, { location: `${issuer}/elsewhere` }).end(keys([publicJwk])),
  html: (response) => response.end("<html>"),
  list: (response, { publicJwk }) => response.end(json([publicJwk])),
  deep: (response) => response.end(`{"keys":[${"[".repeat(100_000)}${"]".repeat(100_000)}]}`),
  hang: () => undefined,
  stall: half,
  cut: (response, published) => {
    half(response, published);
    setTimeout(() => response.destroy(), 20);
  },
  error: (response, { publicJwk }) => response.writeHead(500).end(keys([publicJwk])),
  empty: (response) => response.end(keys([])),
  crowd: (response, { publicJwk }) => response.end(keys(Array.from({ length: 101 }, () => publicJwk))),
  broken: (response) => response.end(keys([1, null, "key"])),
  private: (response, { privateJwk }) => response.end(keys([privateJwk])),
};

export function answerKeys(response: ServerResponse, published: Published, behaviour: Behaviour): void {
  (forKeys[behaviour] ?? good)(response, published);
}

const document = (issuer: string, keysAt?: string): string => json({ issuer, jwks_uri: keysAt });

const forDiscovery: Partial<Record<Behaviour, Answer>> = {
  elsewhere: (response, { issuer, elsewhere }) => response.end(document(issuer, `${elsewhere}/keys`)),
  plain: (response, { issuer }) =>
    response.end(document(issuer, `${issuer.replace("https:", "http:")}/keys`)),
  keyless: (response, { issuer }) => response.end(document(issuer)),
  impostor: (response, { issuer }) => response.end(document("https://other.example.test", `${issuer}/keys`)),
  "discovery-redirect": (response, { issuer }) =>
    response.writeHead(307, { location: `${issuer}/elsewhere` }).end(document(issuer, `${issuer}/keys`)),
  "discovery-missing": (response, { issuer }) =>
    response.writeHead(404).end(document(issuer, `${issuer}/keys`)),
};

export function answerDiscovery(response: ServerResponse, published: Published, behaviour: Behaviour): void {
  const answer = forDiscovery[behaviour];
  if (answer === undefined) response.end(document(published.issuer, `${published.issuer}/keys`));
  else answer(response, published);
}
