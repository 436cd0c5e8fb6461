/**
 * Room: local. How much one connection may ask for at once. Node parses every request that one read brought
 * before it looks at back pressure, so a peer that pipelines and does not read would have thousands of answers
 * made for it. A client that sends one request after another never meets these limits.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface PipelineLimits {
  /** Requests of one connection that may be under way; the answer to the last of them closes it. */
  readonly pipelined: number;
  /** Milliseconds in which a connection must take one more answer while any is due. */
  readonly answer: number;
}

/**
 * `last`: answered with `connection: close`. `refuse`: not processed and not answered, which RFC 9112 §9.6 asks
 * for after such an answer; the client repeats it on another connection (§9.3.2).
 */
export type Turn = "serve" | "last" | "refuse";

interface Lane {
  due: number;
  ends: boolean;
  latest: IncomingMessage;
  readonly deadline: NodeJS.Timeout;
}

// A refused request costs little, yet not nothing: so many times the limit is no client but a flood.
const floodFactor = 8;

export class Pipeline {
  readonly #lanes = new WeakMap<Duplex, Lane>();
  readonly #limits: PipelineLimits;
  readonly #cutOff: (due: number) => void;

  /** `cutOff` hears of each flood once, with the number of requests that were under way. */
  constructor(limits: PipelineLimits, cutOff: (due: number) => void) {
    this.#limits = limits;
    this.#cutOff = cutOff;
  }

  /** What is to become of the request that has just been parsed. */
  enter(request: IncomingMessage, response: ServerResponse): Turn {
    const { socket } = request;
    const lane = this.#lanes.get(socket) ?? this.#open(request);
    lane.latest = request;
    // A peer that takes no answers must not buy time with more requests.
    if (lane.due === 0) lane.deadline.refresh();
    lane.due += 1;
    response.once("close", () => {
      lane.due -= 1;
      lane.deadline.refresh();
    });
    if (!lane.ends) {
      lane.ends = lane.due >= this.#limits.pipelined;
      return lane.ends ? "last" : "serve";
    }
    if (lane.due > floodFactor * this.#limits.pipelined && !socket.destroyed) {
      socket.destroy();
      this.#cutOff(lane.due);
    }
    return "refuse";
  }

  /** The request under way is the connection's last: what comes behind it is refused. */
  end(socket: Duplex): void {
    const lane = this.#lanes.get(socket);
    if (lane !== undefined) lane.ends = true;
  }

  /** False when an answer made by hand would be taken for the answer to another request. */
  mayAnswer(socket: Duplex): boolean {
    const lane = this.#lanes.get(socket);
    return lane === undefined || lane.due === 0 || (lane.due === 1 && !lane.latest.complete);
  }

  #open(request: IncomingMessage): Lane {
    const { socket } = request;
    const expire = () => {
      if (lane.due > 0) socket.destroy();
    };
    const deadline = setTimeout(expire, this.#limits.answer).unref();
    const lane: Lane = { due: 0, ends: false, latest: request, deadline };
    socket.once("close", () => clearTimeout(deadline));
    this.#lanes.set(socket, lane);
    return lane;
  }
}
