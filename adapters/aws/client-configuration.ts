/**
 * Room: adapters/aws. What every SDK client of this deployment shares: how long it waits, how often it tries
 * again, and how many sockets it keeps.
 */
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** To an endpoint of the same region: a connection that takes longer will not come. Waiting for a socket counts. */
export const connectionMilliseconds = 1_000;
/** One attempt, from its first octet to the head of its answer. */
export const requestMilliseconds = 2_500;
/** The first attempt and its retries. */
export const attempts = 3;
/**
 * No signature takes longer, retries, pauses and the reading of answers included. An intent's lease is 10 s: what
 * is left is for the transaction that records the certificate.
 */
export const callMilliseconds = 8_000;

/** What carries a client's requests; tests put faults here. */
export type RequestHandler = Pick<NodeHttpHandler, "handle" | "destroy">;

export interface ClientConfiguration {
  readonly requestHandler: RequestHandler;
  readonly maxAttempts: number;
  /** Full jitter between attempts, and a budget that stops retries while most calls fail. */
  readonly retryMode: "standard";
}

export interface ClientConfigurationOptions {
  /** @default HTTPS over kept-alive sockets, with the timeouts above. */
  readonly requestHandler?: RequestHandler;
}

/**
 * Options for the constructor of any SDK client: `new KMSClient(clientConfiguration())`. Region, credentials and
 * endpoint come from the environment of the function, as the SDK reads them.
 */
export function clientConfiguration(options: ClientConfigurationOptions = {}): ClientConfiguration {
  return {
    requestHandler: options.requestHandler ?? network(),
    maxAttempts: attempts,
    retryMode: "standard",
  };
}

function network(): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: connectionMilliseconds,
    requestTimeout: requestMilliseconds,
    // Without it the SDK only warns of a request that takes too long.
    throwOnRequestTimeout: true,
    httpsAgent: { keepAlive: true, maxSockets: 50 },
  });
}
