/**
 * Room: adapters/aws. The Notifier on an SNS topic. Subscriptions may filter by the attributes `event` and `severity`.
 * A publication whose answer was lost is repeated, so a notice may arrive twice, as the port allows.
 */
import { type MessageAttributeValue, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { encodeNotice } from "../../core/notice.ts";
import type { Notice, Notifier } from "../../core/ports.ts";
import { callMilliseconds, clientConfiguration } from "./client-configuration.ts";
import { refusalOf } from "./sns/refusals.ts";

export interface SnsNotifierOptions {
  readonly topicArn: string;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: SNSClient;
  /** Milliseconds after which a call gives up, retries included. @default 8,000 */
  readonly patience?: number;
}

/**
 * As the port promises: SNS keeps a message in several zones before it answers. Besides what the port names, a call
 * throws configuration_invalid: no such topic, no permission, no credentials.
 */
export function snsNotifier(options: SnsNotifierOptions): Notifier {
  const { topicArn, client = new SNSClient(clientConfiguration()) } = options;
  return new SnsNotifier(client, topicArn, options.patience ?? callMilliseconds);
}

const attribute = (value: string): MessageAttributeValue => ({ DataType: "String", StringValue: value });

class SnsNotifier implements Notifier {
  readonly #client: SNSClient;
  readonly #topicArn: string;
  readonly #patience: number;

  constructor(client: SNSClient, topicArn: string, patience: number) {
    this.#client = client;
    this.#topicArn = topicArn;
    this.#patience = patience;
  }

  async notify(notice: Notice): Promise<void> {
    const { subject, message } = encodeNotice(notice);
    const command = new PublishCommand({
      TopicArn: this.#topicArn,
      Subject: subject,
      Message: message,
      MessageAttributes: { event: attribute(notice.event), severity: attribute(notice.severity) },
    });
    try {
      await this.#client.send(command, { abortSignal: AbortSignal.timeout(this.#patience) });
    } catch (cause) {
      throw refusalOf(this.#topicArn, cause);
    }
  }
}
