/**
 * Room: test/judges. A retry strategy for SDK clients under many faults: as many attempts as it is told, next to no
 * pause, and no budget that runs out, so that thousands of calls meet their faults in a minute.
 */
import type { KMSClientConfig } from "@aws-sdk/client-kms";

type RetryStrategy = Extract<
  KMSClientConfig["retryStrategy"],
  { acquireInitialRetryToken: (scope: string) => unknown }
>;
type RetryToken = Awaited<ReturnType<RetryStrategy["acquireInitialRetryToken"]>>;

const token = (retries: number): RetryToken => ({
  getRetryCount: () => retries,
  getRetryDelay: () => 1,
});

/** @param attempts The first one included. */
export function impatientRetries(attempts: number): RetryStrategy {
  return {
    acquireInitialRetryToken: async () => token(0),
    async refreshRetryTokenForRetry(spent, { errorType }) {
      const retries = spent.getRetryCount() + 1;
      if (retries >= attempts || errorType === "CLIENT_ERROR") throw new Error("no further attempt");
      return token(retries);
    },
    recordSuccess: () => undefined,
  };
}
