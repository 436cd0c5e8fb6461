/** One operator at a browser: does what the page at /passkeys does, with an authenticator in software. */
import { expect } from "vitest";
import type { HttpRequest } from "../../cli/https-client.ts";
import { createProofKey, type ProofKey } from "../support/dpop.ts";
import { softwareAuthenticator } from "../support/software-authenticator.ts";
import type { LocalServer } from "./local-server.ts";

interface Call {
  readonly method?: HttpRequest["method"];
  /** Below the fleet's own path. */
  readonly path: string;
  readonly body?: object;
}

type Body = Readonly<Record<string, unknown>>;

export interface Person {
  readonly operatorId: string;
  /** Signs the challenge that an approval has now; resolves to the approval as it is then. */
  approve(approvalId: string): Promise<Body>;
  /** The certificate of the person's own key, with its chain, for the CSR in PEM. */
  certify(csr: string): Promise<string>;
  /** Approves whatever waits for approval, as soon as it does; nothing once `ended` says that nobody asks any more. */
  approveNext(ended?: AbortSignal): Promise<void>;
}

class Browser {
  readonly #server: LocalServer;
  readonly #base: string;

  constructor(server: LocalServer, fleet: string) {
    this.#server = server;
    this.#base = `/v1/fleets/${fleet}`;
  }

  /** Fails on any answer that is no success. */
  async send({ method = "POST", path, body }: Call, headers: Readonly<Record<string, string>> = {}) {
    const content = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await this.#server.browser.send({
      method,
      path: this.#base + path,
      headers: { ...content, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = answer.body.toString("utf8");
    if (answer.status > 299) expect.fail(`${method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Body;
  }

  async challenge(): Promise<string> {
    return String((await this.send({ path: "/challenges", body: {} }))["challenge"]);
  }

  proof(key: ProofKey, { method = "POST", path }: Call, accessToken?: string): Promise<string> {
    const bound = accessToken === undefined ? {} : { accessToken };
    return key.proof({ method, url: this.#server.origin + this.#base + path, ...bound });
  }
}

async function untilSome<T>(
  look: () => Promise<readonly T[]>,
  ended: AbortSignal | undefined,
): Promise<readonly T[]> {
  for (;;) {
    const found = await look();
    if (found.length > 0 || ended?.aborted === true) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Opens the URL of an invitation, registers a passkey and signs in with it. */
export async function openInvitation(server: LocalServer, url: string): Promise<Person> {
  const { origin, pathname, hostname, hash } = new URL(url.trim());
  expect(origin + pathname).toBe(`${server.origin}/passkeys`);
  const fragment = new URLSearchParams(hash.slice(1));
  const operatorId = fragment.get("operator") ?? "";
  const browser = new Browser(server, fragment.get("fleet") ?? "");
  const authenticator = softwareAuthenticator({ origin, relyingPartyId: hostname });

  const challenge = await browser.challenge();
  const credential = authenticator.register(challenge, { userHandle: operatorId });
  const authorization = `Bearer ${fragment.get("invitation")}`;
  await browser.send({ path: "/passkeys", body: { challenge, credential } }, { authorization });

  const key = await createProofKey();
  const again = await browser.challenge();
  const signIn = { path: "/sessions", body: { challenge: again, credential: authenticator.assert(again) } };
  const token = String((await browser.send(signIn, { dpop: await browser.proof(key, signIn) }))["token"]);

  const inSession = async (call: Call): Promise<Body> =>
    browser.send(call, { authorization: `DPoP ${token}`, dpop: await browser.proof(key, call, token) });

  const approve = async (approvalId: string): Promise<Body> => {
    const path = `/approvals/${approvalId}`;
    const shown = await inSession({ method: "GET", path });
    const assertion = authenticator.assert(String(shown["challenge"]));
    return inSession({ path: `${path}/assertions`, body: { credential: assertion } });
  };

  const waiting = async (): Promise<readonly string[]> => {
    const { approvals } = await inSession({ method: "GET", path: "/approvals" });
    return (approvals as readonly Record<string, unknown>[])
      .filter(
        ({ state, approvedBy }) => state === "requested" && !(approvedBy as string[]).includes(operatorId),
      )
      .map(({ approvalId }) => String(approvalId));
  };

  return {
    operatorId,
    approve,
    async certify(csr) {
      const { certificate, chain } = await inSession({ path: "/operator-certificates", body: { csr } });
      return `${certificate}${chain}`;
    },
    async approveNext(ended) {
      for (const id of await untilSome(waiting, ended)) await approve(id);
    },
  };
}

/** The first operator of a fleet registers its first passkey: `flags` name the fleet and its certificate. */
export async function firstPerson(server: LocalServer, flags: readonly string[] = []): Promise<Person> {
  const { code, stdout, stderr } = await server.fleetkey(["operator", "invite", "--first", ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("good once") });
  return openInvitation(server, stdout);
}
