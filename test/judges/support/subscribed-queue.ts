/**
 * Room: test/judges. A queue of an emulator's SQS, over its HTTP API, with everything that a topic has delivered to it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

/** What a subscriber reads of a publication. */
export interface Received {
  readonly subject: string;
  readonly message: string;
}

/** Tells the emulator which service is meant; it checks no signature. */
const authorization =
  "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=0";

async function call(url: string, operation: string, body: object): Promise<Record<string, unknown>> {
  const headers = {
    authorization,
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `AmazonSQS.${operation}`,
  };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${text}`);
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

export class SubscribedQueue {
  readonly arn: string;
  readonly #url: string;
  readonly #queueUrl: unknown;
  readonly #received: Received[] = [];

  private constructor(url: string, queueUrl: unknown, arn: string) {
    this.#url = url;
    this.#queueUrl = queueUrl;
    this.arn = arn;
  }

  /** @param url Of the emulator. */
  static async create(url: string, name: string): Promise<SubscribedQueue> {
    const { QueueUrl: queueUrl } = await call(url, "CreateQueue", { QueueName: name });
    const question = { QueueUrl: queueUrl, AttributeNames: ["QueueArn"] };
    const { Attributes: attributes } = await call(url, "GetQueueAttributes", question);
    return new SubscribedQueue(url, queueUrl, (attributes as { readonly QueueArn: string }).QueueArn);
  }

  /** All messages so far. */
  async received(): Promise<readonly Received[]> {
    for (;;) {
      const question = { QueueUrl: this.#queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 3_600 };
      const { Messages: messages } = await call(this.#url, "ReceiveMessage", question);
      const arrived = (messages ?? []) as readonly { readonly Body: string }[];
      if (arrived.length === 0) return this.#received;
      for (const { Body: body } of arrived) {
        const { Subject: subject, Message: message } = JSON.parse(body) as Record<string, string>;
        this.#received.push({ subject: subject ?? "", message: message ?? "" });
      }
    }
  }

  /** All messages, once there are `count`. */
  async atLeast(count: number): Promise<readonly Received[]> {
    for (let left = 100; left > 0; left -= 1) {
      const received = await this.received();
      if (received.length >= count) return received;
      await sleep(50);
    }
    return expect.fail(`fewer than ${count} messages have arrived`);
  }
}
