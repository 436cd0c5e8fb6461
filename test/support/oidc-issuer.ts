/**
 * Room: test/support. An OpenID Connect issuer in a process of its own: its own keys, its own TLS certificate, its
 * own misbehaviour. Tests steer it over IPC; the product reaches it over HTTPS, as any issuer:
 *
 *     const issuer = await startOidcIssuer();
 *     const identities = identityVerifier({ ca: issuer.ca });
 *     const token = await issuer.sign({ sub: "repo:acme/pump", aud: "https://api.example.test" });
 *     await identities.verifyToken(token, { issuer: issuer.issuer, audience: "https://api.example.test", now: Date.now() });
 *     await issuer.close();
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/**
 * How the issuer answers for its keys: `good`; with 300,000 octets, a redirect to its keys, HTML, a JSON list, JSON of
 * 100,000 levels; not at all, half of it and no more, half of it and an end; with HTTP 500; with a set of no key, of 101,
 * of what is no key, of its private key.
 */
export type KeysBehaviour =
  | "good"
  | "oversize"
  | "redirect"
  | "html"
  | "list"
  | "deep"
  | "hang"
  | "stall"
  | "cut"
  | "error"
  | "empty"
  | "crowd"
  | "broken"
  | "private";

/**
 * How its discovery document is: keys on another host (another port is one), over plain HTTP, or nowhere; another issuer's name in it; a
 * redirect to it; HTTP 404. Its keys are as they should be.
 */
export type DiscoveryBehaviour =
  | "elsewhere"
  | "plain"
  | "keyless"
  | "impostor"
  | "discovery-redirect"
  | "discovery-missing";

export type Behaviour = KeysBehaviour | DiscoveryBehaviour;

export type IssuerAlgorithm = "ES256" | "ES384" | "ES512" | "RS256" | "PS256" | "RS512" | "EdDSA" | "Ed25519";

export interface SigningOptions {
  /** JWS header members instead of the right ones; undefined leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /**
   * `other`: a key that is not published, under the kid of the one that is. `none`: no signature. `publicPem` and
   * `publicJwk`: HS256 with the public key as the secret, in that form.
   */
  readonly key?: "current" | "other" | "none" | "publicPem" | "publicJwk";
  /** Claims that are left out. */
  readonly without?: readonly string[];
}

export interface OidcIssuer {
  /** As `iss` has it. */
  readonly issuer: string;
  /** PEM of the root that vouches for its TLS certificate. */
  readonly ca: string;
  /** A token with `iss`, `iat` (now), `exp` (in five minutes), unless `claims` says otherwise. Times in seconds. */
  sign(claims: Readonly<Record<string, unknown>>, options?: SigningOptions): Promise<string>;
  /** A new key under a new kid; the old one is no longer published. @param algorithm ES256 unless given. */
  rotate(algorithm?: IssuerAlgorithm): Promise<void>;
  /** How often discovery was asked for, and anything else: its keys, or where a redirect leads. */
  fetches(): Promise<{ readonly discovery: number; readonly keys: number }>;
  behave(behaviour: Behaviour): Promise<void>;
  /** Ends the process, by its id. */
  close(): Promise<void>;
}

async function exit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** Resolves when the process listens on 127.0.0.1; fails when it ends before that. */
async function started(child: ChildProcess): Promise<{ readonly issuer: string; readonly ca: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ issuer: string; ca: string }>();
  child.once("message", resolve);
  child.once("error", reject);
  child.once("exit", (code) => reject(new Error(`the issuer ended with ${code} before it listened`)));
  return promise;
}

/** Resolves when the process listens on 127.0.0.1. */
export async function startOidcIssuer(): Promise<OidcIssuer> {
  const child = fork(join(import.meta.dirname, "oidc-issuer-process.ts"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let next = 0;
  const ask = async (message: object): Promise<Record<string, unknown>> => {
    next += 1;
    const id = next;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    const hear = (answer: Record<string, unknown>): void => {
      if (answer["id"] !== id) return;
      child.off("message", hear);
      if (typeof answer["failure"] === "string") reject(new Error(answer["failure"]));
      else resolve(answer);
    };
    child.on("message", hear);
    child.send({ id, ...message });
    return promise;
  };
  const ready = await started(child);
  return {
    ...ready,
    sign: async (claims, options = {}) => String((await ask({ act: "sign", claims, options }))["token"]),
    rotate: async (algorithm = "ES256") => {
      await ask({ act: "rotate", algorithm });
    },
    fetches: async () => {
      const { discovery, keys } = await ask({ act: "fetches" });
      return { discovery: Number(discovery), keys: Number(keys) };
    },
    behave: async (behaviour) => {
      await ask({ act: "behave", behaviour });
    },
    close: () => exit(child),
  };
}
