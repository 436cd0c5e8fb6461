/**
 * Room: adapters/aws. The ItemStore on DynamoDB: one table, written by transactions only.
 *
 * A single operation is a transaction too, although PutItem would cost half: only TransactWriteItems takes a
 * ClientRequestToken. A PutItem whose answer was lost finds its own item when repeated, and would report a failed
 * condition for what it has done.
 */
import { randomUUID } from "node:crypto";
import {
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { AppError } from "../../core/errors.ts";
import { checkKey, checkOperations } from "../../core/item-limits.ts";
import type { Item, ItemKey, ItemPage, ItemQuery, ItemStore, WriteOperation } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";
import { cancellationOf } from "./dynamodb/cancellation.ts";
import { decodeItem, encodeKey } from "./dynamodb/item-encoding.ts";
import { queryPage, queryRequest } from "./dynamodb/query-requests.ts";
import { refusalOf } from "./dynamodb/refusals.ts";
import { writeRequest } from "./dynamodb/write-requests.ts";
import { patienceMilliseconds, patiently } from "./patience.ts";

export interface DynamoDbItemStoreOptions {
  /** Name or ARN of the table that the state stack makes. */
  readonly table: string;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: DynamoDBClient;
  /** Milliseconds after which a call gives up, retries included. @default 6,000 */
  readonly patience?: number;
}

/**
 * As the port promises; an index lags by what DynamoDB needs, mostly well below a second.
 * Besides what the port names, a call throws configuration_invalid: no such table, no permission, no credentials.
 */
export function dynamoDbItemStore(options: DynamoDbItemStoreOptions): ItemStore {
  const { table, client = new DynamoDBClient(clientConfiguration()) } = options;
  return new DynamoDbItemStore(client, table, options.patience ?? patienceMilliseconds);
}

class DynamoDbItemStore implements ItemStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #patience: number;

  constructor(client: DynamoDBClient, table: string, patience: number) {
    this.#client = client;
    this.#table = table;
    this.#patience = patience;
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    checkKey(key);
    const command = new GetItemCommand({ TableName: this.#table, Key: encodeKey(key), ConsistentRead: true });
    const answer = await this.#patiently((abortSignal) => this.#client.send(command, { abortSignal }));
    return answer.Item === undefined ? undefined : decodeItem(answer.Item);
  }

  async query(query: ItemQuery): Promise<ItemPage> {
    const request = queryRequest(this.#table, query);
    if (request === undefined) return { items: [] };
    const command = new QueryCommand(request);
    const answer = await this.#patiently((abortSignal) => this.#client.send(command, { abortSignal }));
    return queryPage(query, answer);
  }

  async transact(operations: readonly WriteOperation[]): Promise<void> {
    checkOperations(operations);
    const command = new TransactWriteItemsCommand({
      TransactItems: operations.map((operation) => writeRequest(this.#table, operation)),
      // One for the call, whatever is repeated and by whom: DynamoDB does the work once, and says so each time.
      ClientRequestToken: randomUUID(),
    });
    await this.#patiently((abortSignal) => this.#client.send(command, { abortSignal }));
  }

  #patiently<Result>(send: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return patiently(this.#patience, send, (cause) => this.#refusal(cause));
  }

  #refusal(cause: unknown): AppError {
    if (cause instanceof TransactionCanceledException) return cancellationOf(this.#table, cause);
    return refusalOf(this.#table, cause);
  }
}
