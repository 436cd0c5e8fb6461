/** Room: test/support. What the issuer of oidc-issuer.ts sends, well or badly behaved. */
import type { ServerResponse } from "node:http";
import type { Behaviour } from "./oidc-issuer.ts";

/** What an answer is made of. */
export interface Published {
  readonly issuer: string;
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
  redirect: (response, { issuer }) => response.writeHead(302, { location: `${issuer}/elsewhere` }).end(),
  html: (response) => response.end("<html>"),
  list: (response, { publicJwk }) => response.end(json([publicJwk])),
  deep: (response) => response.end(`{"keys":[${"[".repeat(100_000)}${"]".repeat(100_000)}]}`),
  hang: () => undefined,
  stall: half,
  cut: (response, published) => {
    half(response, published);
    setTimeout(() => response.destroy(), 20);
  },
  error: (response) => response.writeHead(500).end(),
  empty: (response) => response.end(keys([])),
  crowd: (response, { publicJwk }) => response.end(keys(Array.from({ length: 101 }, () => publicJwk))),
  broken: (response) => response.end(keys([1, null, "key"])),
  private: (response, { privateJwk }) => response.end(keys([privateJwk])),
};

export function answerKeys(response: ServerResponse, published: Published, behaviour: Behaviour): void {
  (forKeys[behaviour] ?? good)(response, published);
}

const discovery = (response: ServerResponse, issuer: string, keysAt?: string): void => {
  response.end(json({ issuer, jwks_uri: keysAt }));
};

const forDiscovery: Partial<Record<Behaviour, Answer>> = {
  elsewhere: (response, { issuer }) => discovery(response, issuer, "https://keys.example.com/keys"),
  plain: (response, { issuer }) => discovery(response, issuer, `${issuer.replace("https:", "http:")}/keys`),
  keyless: (response, { issuer }) => discovery(response, issuer),
  impostor: (response, { issuer }) => discovery(response, "https://other.example.test", `${issuer}/keys`),
  "discovery-redirect": (response, { issuer }) =>
    response.writeHead(307, { location: `${issuer}/elsewhere` }).end(),
  "discovery-missing": (response) => response.writeHead(404).end(),
};

export function answerDiscovery(response: ServerResponse, published: Published, behaviour: Behaviour): void {
  const answer = forDiscovery[behaviour];
  if (answer === undefined) discovery(response, published.issuer, `${published.issuer}/keys`);
  else answer(response, published);
}
