/**
 * Room: adapters/aws. What every SDK client of this deployment shares: how long it waits, how often it tries
 * again, and how many sockets it keeps.
 */
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** To an endpoint of the same region: a connection that takes longer will not come. */
export const connectionMilliseconds = 1_000;
/** One attempt, from its first octet to the head of its answer. */
export const requestMilliseconds = 2_500;
/** The first attempt and its retries. */
export const attempts = 3;
/** No call of a port outlasts this, retries and pauses included: an intent's lease is 10 s. */
export const callMilliseconds = 8_000;

export interface ClientConfiguration {
  readonly requestHandler: NodeHttpHandler;
  readonly maxAttempts: number;
  /** Full jitter between attempts, and a budget that stops retries when most calls fail. */
  readonly retryMode: "standard";
}

/**
 * Options for the constructor of any SDK client: `new KMSClient(clientConfiguration())`. Region, credentials and
 * endpoint come from the environment of the function, as the SDK reads them.
 */
export function clientConfiguration(): ClientConfiguration {
  return {
    requestHandler: new NodeHttpHandler({
      connectionTimeout: connectionMilliseconds,
      requestTimeout: requestMilliseconds,
      // Without it the SDK only warns of a request that takes too long.
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: 50 },
    }),
    maxAttempts: attempts,
    retryMode: "standard",
  };
}
