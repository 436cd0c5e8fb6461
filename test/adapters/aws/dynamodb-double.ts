/** What stands behind a DynamoDB client in tests without a network: it records requests and answers by a script. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { clientConfiguration } from "../../../adapters/aws/client-configuration.ts";
import { dynamoDbItemStore } from "../../../adapters/aws/dynamodb-item-store.ts";
import type { ItemStore } from "../../../core/ports.ts";
import type { ModelledRequest } from "../../support/aws-model.ts";

type Handle = NodeHttpHandler["handle"];

export interface Answer {
  /** HTTP status. */
  readonly status: number;
  readonly body: object;
}

export const done: Answer = { status: 200, body: {} };

/** A failure as the JSON 1.0 protocol carries it. */
export function failure(name: string, members: object = {}, status = 400): Answer {
  return { status, body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, ...members } };
}

/** A cancelled transaction with a reason for each operation. */
export function cancelled(...codes: readonly string[]): Answer {
  const CancellationReasons = codes.map((Code) => (Code === "None" ? { Code } : { Code, Message: Code }));
  return failure("TransactionCanceledException", { Message: "Transaction cancelled", CancellationReasons });
}

export interface DynamoDbDouble {
  readonly store: ItemStore;
  readonly requests: readonly ModelledRequest[];
}

export interface DoubleOptions {
  readonly patience?: number;
  readonly attempts?: number;
}

/** A store on "items". `answers` are given one after the other, the last one for good; an Error is thrown. */
export function dynamoDbDouble(
  answers: readonly (Answer | Error)[],
  options: DoubleOptions = {},
): DynamoDbDouble {
  const requests: ModelledRequest[] = [];
  const handle: Handle = async (request) => {
    const operation = String(request.headers["x-amz-target"]).replace("DynamoDB_20120810.", "");
    requests.push({
      operation,
      body: JSON.parse(new TextDecoder().decode(request.body)) as Record<string, unknown>,
    });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no answer");
    const headers = { "content-type": "application/x-amz-json-1.0" };
    const body = Buffer.from(JSON.stringify(answer.body));
    return { response: { statusCode: answer.status, headers, body } as never };
  };
  const client = new DynamoDBClient({
    ...clientConfiguration({ requestHandler: { handle, destroy: () => undefined } }),
    maxAttempts: options.attempts ?? 1,
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    endpoint: "http://127.0.0.1:1",
  });
  const { patience } = options;
  const store = dynamoDbItemStore({
    table: "items",
    client,
    ...(patience === undefined ? {} : { patience }),
  });
  return { store, requests };
}
