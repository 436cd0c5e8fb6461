/**
 * Room: test/judges. The Chrome DevTools Protocol over a WebSocket: commands, their answers, and events. Nothing of ours
 * is in the browser, and no driver of others between.
 */

export type Message = Readonly<Record<string, unknown>>;
export type Listener = (method: string, params: Message, sessionId: string | undefined) => void;

interface Waiting {
  readonly method: string;
  resolve(result: Message): void;
  reject(error: Error): void;
}

/** One connection to a browser. Whatever waits when it ends fails. */
export class Protocol {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<Listener>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)));
    socket.addEventListener("close", () => {
      for (const { method, reject } of this.#waiting.values())
        reject(new Error(`${method}: the browser is gone`));
      this.#waiting.clear();
    });
  }

  static async connect(url: string): Promise<Protocol> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error(`no connection to ${url}`)));
    });
    return new Protocol(socket);
  }

  /** @throws Error with the browser's words when it refuses. */
  send(method: string, params: Message = {}, sessionId?: string): Promise<Message> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { method, resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) }));
    });
  }

  /** Returns what ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#socket.close();
  }

  #receive(text: string): void {
    const { id, method, params, result, error, sessionId } = JSON.parse(text) as {
      id?: number;
      method?: string;
      params?: Message;
      result?: Message;
      error?: { message: string };
      sessionId?: string;
    };
    if (method !== undefined)
      for (const listener of this.#listeners) listener(method, params ?? {}, sessionId);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(result ?? {});
    else waiting.reject(new Error(`${waiting.method}: ${error.message}`));
  }
}
