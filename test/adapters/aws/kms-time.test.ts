/** How long a call to KMS lasts at most, and what a network that fails means to a caller. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { KMSClient } from "@aws-sdk/client-kms";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callMilliseconds, clientConfiguration } from "../../../adapters/aws/client-configuration.ts";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import { leaseMilliseconds } from "../../../core/enrollment/intent.ts";
import type { KeyService } from "../../../core/ports.ts";
import { bench, failure, message } from "./kms-bench.ts";
import { KmsDouble } from "./kms-double.ts";

describe("time", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const settled = async (attempt: Promise<unknown>, milliseconds: number): Promise<boolean> => {
    let done = false;
    const mark = () => {
      done = true;
    };
    attempt.then(mark, mark);
    await vi.advanceTimersByTimeAsync(milliseconds);
    return done;
  };

  /** Fake timers, and the call under way: its deadline is the first timer that it sets, and counts from there. */
  async function underWay<Result>(
    call: () => Promise<Result>,
  ): Promise<{ readonly attempt: Promise<Result> }> {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const attempt = call();
    while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
    return { attempt };
  }

  it("a signature that never comes is given up while the intent's lease still runs", async () => {
    const { double, keys, keyId } = bench();
    double.fault = () => "silence";
    const { attempt } = await underWay(() => failure(keys.sign(keyId, message)));
    expect(await settled(attempt, callMilliseconds - 1)).toBe(false);
    // No timer runs any more but by this: what follows settles by the deadline, or never.
    await vi.advanceTimersByTimeAsync(1);
    expect(await attempt).toMatchObject({ code: "key_service_unavailable", retryAfter: 2 });
    // Two seconds for the transaction that records the certificate.
    expect(callMilliseconds).toBeLessThanOrEqual(leaseMilliseconds - 2_000);
  });

  it("the time of an ML-DSA key's GetPublicKey counts: both calls end within one deadline", async () => {
    const double = new KmsDouble();
    const keys = kmsKeyService({ aliasPrefix: "fleetkey/test", client: double.client() });
    const keyId = `ML-DSA-65:${double.addKey("ML_DSA_65").arn}`;
    double.fault = () => "silence";
    const sign = () => failure(keys.sign(keyId, randomBytes(5_000)));
    const { attempt } = await underWay(sign);
    await vi.advanceTimersByTimeAsync(callMilliseconds);
    expect((await attempt).message).toMatch(/did not answer in time, retries included/);
  });

  const arn = "arn:aws:kms:eu-central-1:000000000000:key/1";

  /** A key service as deployed, one attempt a call, whose KMS is `server`. */
  async function listening(server: Server, work: (keys: KeyService) => Promise<void>) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const client = new KMSClient({
      ...clientConfiguration(),
      maxAttempts: 1,
      region: "eu-central-1",
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    try {
      await work(kmsKeyService({ aliasPrefix: "fleetkey/test", client }));
    } finally {
      client.destroy();
      server.close();
    }
  }

  it("a server that takes a request and says nothing is a timeout, not a warning", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined).resume());
    await listening(server, async (keys) => {
      const error = await failure(keys.sign(`P-256:${arn}`, message));
      expect(error).toMatchObject({ code: "key_service_unavailable", cause: { name: "TimeoutError" } });
    });
  });

  it("a server that breaks the connection is as one that does not answer", async () => {
    const server = createServer((socket) => socket.resetAndDestroy());
    await listening(server, async (keys) => {
      const error = await failure(keys.sign(`P-256:${arn}`, message));
      expect(error).toMatchObject({ code: "key_service_unavailable", retryAfter: 2 });
    });
  });

  it("a network without a way to KMS is named by Node's code for it, after three tries", async () => {
    const { double, keys, keyId } = bench();
    double.fault = () => "unreachable";
    const error = await failure(keys.sign(keyId, message));
    expect(error.message).toMatch(/EHOSTUNREACH; look at the network/);
    expect(double.count("Sign")).toBe(3);
  });
});
