/**
 * Room: test/judges. One page in Chromium, used as a person does: by what it shows, with the mouse, the keyboard and a
 * passkey. It remembers what the page asked of the server, and all that the browser complained of.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Message, Protocol } from "./chromium-protocol.ts";

export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string | undefined;
}

const patience = 10_000;

/** A person's own device, which keeps passkeys and asks for a finger or a face. */
const authenticator = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

/** What a key types, and its code on Windows. */
const keys = { Enter: { text: "\r", code: 13 }, Tab: { text: "\t", code: 9 } } as const;

const member = (message: Message, name: string): Message => (message[name] ?? {}) as Message;

export class ChromiumPage {
  readonly #protocol: Protocol;
  readonly #sessionId: string;
  #authenticatorId: unknown;
  #replacement: { readonly suffix: string; readonly body: string } | undefined;
  /** In order. */
  readonly requests: SentRequest[] = [];
  /** Errors and warnings of scripts, of the console and of policies. */
  readonly complaints: string[] = [];
  /** Answers of 400 and above: status, method and path. */
  readonly refusals: string[] = [];

  private constructor(protocol: Protocol, sessionId: string) {
    this.#protocol = protocol;
    this.#sessionId = sessionId;
    protocol.listen((method, params, session) => {
      if (session === sessionId) this.#hear(method, params);
    });
  }

  static async open(protocol: Protocol): Promise<ChromiumPage> {
    const { browserContextId } = await protocol.send("Target.createBrowserContext");
    const { targetId } = await protocol.send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await protocol.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new ChromiumPage(protocol, String(sessionId));
    for (const domain of ["Page", "Runtime", "Log", "Network", "Audits", "WebAuthn"])
      await page.send(`${domain}.enable`);
    const added = await page.send("WebAuthn.addVirtualAuthenticator", { options: authenticator });
    page.#authenticatorId = added["authenticatorId"];
    return page;
  }

  send(method: string, params: Message = {}): Promise<Message> {
    return this.#protocol.send(method, params, this.#sessionId);
  }

  /** Resolves when it is loaded. @throws Error with the browser's code when it cannot be. */
  async go(url: string): Promise<void> {
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
    await this.until("document.readyState === 'complete'");
  }

  /** The value of an expression in the page, a promise's outcome. @throws Error with what the page threw. */
  async value(expression: string): Promise<unknown> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const { text, exception } = member(answer, "exceptionDetails");
    if (text === undefined) return member(answer, "result")["value"];
    throw new Error(`${String(text)} ${String((exception as Message | undefined)?.["description"] ?? "")}`);
  }

  /** @throws Error with what the page shows when that does not become true. */
  async until(expression: string): Promise<void> {
    const deadline = Date.now() + patience;
    while (Date.now() < deadline) {
      if (await this.value(`Boolean(${expression})`)) return;
      await sleep(20);
    }
    throw new Error(`not within ${patience} ms: ${expression}\nthe page shows:\n${await this.text("body")}`);
  }

  /** What a reader sees of the element; nothing of what is hidden. */
  async text(selector: string): Promise<string> {
    return String(await this.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`));
  }

  /** With the mouse, in the middle of it. @throws Error when it is not there, hidden, disabled or covered. */
  async click(selector: string): Promise<void> {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    await this.until(`${element} !== null && !${element}.disabled && ${element}.checkVisibility()`);
    const [x, y, hit] = (await this.value(`(() => {
      const element = ${element};
      element.scrollIntoView({ block: "center" });
      const { left, top, width, height } = element.getBoundingClientRect();
      const [x, y] = [left + width / 2, top + height / 2];
      return [x, y, element.contains(document.elementFromPoint(x, y))];
    })()`)) as [number, number, boolean];
    if (!hit) throw new Error(`${selector} is covered by something else`);
    for (const type of ["mousePressed", "mouseReleased"])
      await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
  }

  /** On whatever has the focus. */
  async press(name: keyof typeof keys): Promise<void> {
    const { text, code } = keys[name];
    const key = { key: name, code: name, windowsVirtualKeyCode: code };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", text, ...key });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  /** Whether its authenticator recognises the person from now on. */
  async setUserVerified(isUserVerified: boolean): Promise<void> {
    const authenticatorId = this.#authenticatorId;
    await this.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  }

  /** The next request whose URL ends so is sent with this body instead. */
  async replaceBody(suffix: string, body: string): Promise<void> {
    this.#replacement = { suffix, body };
    await this.send("Fetch.enable", { patterns: [{ urlPattern: `*${suffix}` }] });
  }

  #hear(method: string, params: Message): void {
    if (method === "Network.requestWillBeSent") this.#hearRequest(member(params, "request"));
    if (method === "Network.responseReceived") this.#hearResponse(member(params, "response"));
    if (method === "Fetch.requestPaused") void this.#goOn(params);
    const complaint = complaintOf(method, params);
    if (complaint !== undefined) this.complaints.push(complaint);
  }

  #hearRequest(request: Message): void {
    const { method, url, postData } = request;
    const body = typeof postData === "string" ? postData : undefined;
    this.requests.push({ method: String(method), url: String(url), body });
  }

  #hearResponse({ status, url }: Message): void {
    if (Number(status) >= 400) this.refusals.push(`${Number(status)} ${new URL(String(url)).pathname}`);
  }

  async #goOn({ requestId, request }: Message): Promise<void> {
    const replacement = this.#replacement;
    const url = String((request as Message)["url"]);
    const changed = replacement !== undefined && url.endsWith(replacement.suffix);
    if (changed) this.#replacement = undefined;
    const postData = changed ? { postData: Buffer.from(replacement.body).toString("base64") } : {};
    await this.send("Fetch.continueRequest", { requestId, ...postData });
  }
}

/** What the browser has against the page; that the server refused something is in `refusals`. */
function complaintOf(method: string, params: Message): string | undefined {
  if (method === "Runtime.exceptionThrown") return `exception: ${JSON.stringify(params["exceptionDetails"])}`;
  if (method === "Audits.issueAdded") return `issue: ${JSON.stringify(params["issue"])}`;
  if (method === "Runtime.consoleAPICalled") return `console: ${JSON.stringify(params["args"])}`;
  if (method !== "Log.entryAdded") return undefined;
  const { source, level, text } = member(params, "entry");
  const isRefusal = source === "network" && /status of 4\d\d/.test(String(text));
  return isRefusal ? undefined : `${String(level)} of ${String(source)}: ${String(text)}`;
}
