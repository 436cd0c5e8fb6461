/**
 * Room: test/judges. The App on the AWS adapters: AWS's own DynamoDB Local for the table, ministack for the keys. Every
 * command that an SDK client is given is counted; a test may put its own handlers between clients and network.
 */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { KMSClient, type KMSClientConfig } from "@aws-sdk/client-kms";
import { clientConfiguration } from "../../../adapters/aws/client-configuration.ts";
import { dynamoDbItemStore } from "../../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import { systemClock } from "../../../adapters/system/clock.ts";
import { systemEntropy } from "../../../adapters/system/entropy.ts";
import { boundedMemo } from "../../../core/memo.ts";
import type { App } from "../../../core/ports.ts";
import { startDynamoDbLocal } from "../../support/dynamodb-local.ts";
import { createItemTable } from "../../support/dynamodb-table.ts";
import { emulatorClient, startMinistack } from "../../support/emulators.ts";
import { recordingLog } from "../../support/fleet-app.ts";

/** Calls by command, such as `SignCommand`. */
export type SdkCalls = Readonly<Record<string, number>>;

export interface AwsApp {
  readonly app: App;
  /** Commands since the last question. */
  takeCalls(): SdkCalls;
}

export interface AwsEmulators {
  /** Another App on the same table and keys: another function, or the same one started anew. */
  open(overrides?: DynamoDBClientConfig & KMSClientConfig): AwsApp;
  close(): Promise<void>;
}

/** Counts at the first step of a call: what a caller asked for, however many requests that took. */
function counting(calls: Map<string, number>) {
  const middleware =
    <Request, Answer>(next: (request: Request) => Promise<Answer>, { commandName = "unknown" }) =>
    (request: Request): Promise<Answer> => {
      calls.set(commandName, (calls.get(commandName) ?? 0) + 1);
      return next(request);
    };
  return [middleware, { step: "initialize", name: "countCommands" }] as const;
}

export async function startAwsEmulators(): Promise<AwsEmulators> {
  const [dynamoDb, kms] = await Promise.all([startDynamoDbLocal(), startMinistack()]);
  const at = (url: string) => ({ ...clientConfiguration(), ...emulatorClient, endpoint: url });
  const administrator = new DynamoDBClient(at(dynamoDb.url));
  const table = await createItemTable(administrator);
  administrator.destroy();
  const clients: (DynamoDBClient | KMSClient)[] = [];
  return {
    open(overrides = {}) {
      const calls = new Map<string, number>();
      const items = new DynamoDBClient({ ...at(dynamoDb.url), ...overrides });
      const keys = new KMSClient({ ...at(kms.url), ...overrides });
      items.middlewareStack.add(...counting(calls));
      keys.middlewareStack.add(...counting(calls));
      clients.push(items, keys);
      const app: App = {
        clock: systemClock,
        entropy: systemEntropy,
        items: dynamoDbItemStore({ table, client: items }),
        keys: kmsKeyService({ aliasPrefix: "fleetkey/judge", client: keys, mayCreate: true }),
        log: recordingLog([]),
        memo: boundedMemo(),
        identities: identityVerifier(),
      };
      return {
        app,
        takeCalls() {
          const taken = Object.fromEntries(calls);
          calls.clear();
          return taken;
        },
      };
    },
    async close() {
      for (const client of clients) client.destroy();
      await Promise.all([dynamoDb.close(), kms.close()]);
    },
  };
}
