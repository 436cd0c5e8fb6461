/**
 * Room: adapters/aws. The KeyService on AWS KMS: private keys never leave it, one kms:Sign makes a signature.
 */
import { KMSClient } from "@aws-sdk/client-kms";
import type { KeyService } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";

export interface KmsKeyServiceOptions {
  /** Aliases of the deployment's keys are `alias/{aliasPrefix}/{alias}`. */
  readonly aliasPrefix: string;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: KMSClient;
  /** Tokens of grants that may not have reached all of KMS yet. @default none */
  readonly grantTokens?: readonly string[];
  /** Whether createKey may make a KMS key. @default false: a missing alias is configuration_invalid. */
  readonly mayCreate?: boolean;
}

/** As the port promises. A keyId is `{algorithm}:{key ARN}`. */
export function kmsKeyService(options: KmsKeyServiceOptions): KeyService {
  const client = options.client ?? new KMSClient(clientConfiguration());
  const unfinished = () => Promise.reject(new Error(`KMS in ${client.config.serviceId} is not bound yet`));
  return { createKey: unfinished, describeKey: unfinished, sign: unfinished };
}
