/** What goes to SNS, and what its refusals become. */
import { SNSClient } from "@aws-sdk/client-sns";
import { beforeEach, describe, expect, it } from "vitest";
import { clientConfiguration, type RequestHandler } from "../../../adapters/aws/client-configuration.ts";
import { snsNotifier } from "../../../adapters/aws/sns-notifier.ts";
import type { Notice, Notifier } from "../../../core/ports.ts";
import { notifierContract } from "../../contracts/notifier.ts";
import { codeOf } from "../../support/errors.ts";

type Handle = RequestHandler["handle"];
type Fault = { readonly status: number; readonly name: string } | "answerLost" | "silence";

const topicArn = "arn:aws:sns:eu-central-1:000000000000:notices";

/** SNS below the SDK client: reads the query protocol as it goes over the wire. */
class SnsDouble {
  readonly published: URLSearchParams[] = [];
  fault: () => Fault | undefined = () => undefined;

  client(): SNSClient {
    const requestHandler = { handle: this.#handle, destroy: () => undefined };
    const credentials = { accessKeyId: "double", secretAccessKey: "double" };
    return new SNSClient({ ...clientConfiguration({ requestHandler }), region: "eu-central-1", credentials });
  }

  readonly #handle: Handle = async (request, options) => {
    const fault = this.fault();
    if (fault === "silence") return silence(options?.abortSignal as AbortSignal | undefined);
    if (typeof fault === "object") {
      const error = `<Error><Type>Sender</Type><Code>${fault.name}</Code><Message>no</Message></Error>`;
      return answer(fault.status, `<ErrorResponse>${error}<RequestId>1</RequestId></ErrorResponse>`);
    }
    const parameters = new URLSearchParams(Buffer.from(request.body as Uint8Array).toString());
    this.published.push(parameters);
    if (fault === "answerLost") throw Object.assign(new Error("no answer"), { name: "TimeoutError" });
    const result = "<PublishResult><MessageId>1</MessageId></PublishResult>";
    return answer(200, `<PublishResponse>${result}</PublishResponse>`);
  };
}

function answer(statusCode: number, xml: string) {
  return {
    response: { statusCode, headers: { "content-type": "text/xml" }, body: Buffer.from(xml) } as never,
  };
}

function silence(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
    signal?.addEventListener("abort", abort, { once: true });
  });
}

notifierContract("SNS, its double", async () => {
  const double = new SnsDouble();
  return {
    notifier: snsNotifier({ topicArn, client: double.client() }),
    delivered: async () => double.published.map((parameters) => parameters.get("Message") ?? ""),
    close: async () => undefined,
  };
});

let double = new SnsDouble();
let notifier: Notifier;
beforeEach(() => {
  double = new SnsDouble();
  notifier = snsNotifier({ topicArn, client: double.client() });
});

const notice: Notice = { event: "fleet.created", severity: "information", fleet: "default" };

describe("the request of a notice", () => {
  it("names topic and subject, and carries event and severity as attributes for filters", async () => {
    await notifier.notify(notice);
    const entry = (at: number, name: string, value: string) => ({
      [`MessageAttributes.entry.${at}.Name`]: name,
      [`MessageAttributes.entry.${at}.Value.DataType`]: "String",
      [`MessageAttributes.entry.${at}.Value.StringValue`]: value,
    });
    expect(Object.fromEntries(double.published[0] ?? [])).toEqual({
      Action: "Publish",
      Version: "2010-03-31",
      TopicArn: topicArn,
      Subject: "Fleetkey information: fleet.created",
      Message: '{"service":"fleetkey","event":"fleet.created","severity":"information","fleet":"default"}',
      ...entry(1, "event", "fleet.created"),
      ...entry(2, "severity", "information"),
    });
  });

  it("is not made for a notice that is not permitted", async () => {
    expect(await codeOf(notifier.notify({ ...notice, subject: "Jane Doe" }))).toBe("notice_not_permitted");
    expect(double.published).toEqual([]);
  });

  it("is repeated when its answer is lost: a notice may arrive twice, never not at all", async () => {
    const faults: Fault[] = ["answerLost"];
    double.fault = () => faults.shift();
    await notifier.notify(notice);
    expect(double.published).toHaveLength(2);
  });
});

const refusals: readonly { readonly fault: Fault; readonly code: string; readonly says: RegExp }[] = [
  { fault: { status: 404, name: "NotFound" }, code: "configuration_invalid", says: /no such topic/ },
  { fault: { status: 403, name: "AuthorizationError" }, code: "configuration_invalid", says: /sns:Publish/ },
  { fault: { status: 400, name: "KMSAccessDenied" }, code: "configuration_invalid", says: /kms:Decrypt/ },
  { fault: { status: 400, name: "KMSDisabled" }, code: "configuration_invalid", says: /enable it/ },
  { fault: { status: 400, name: "InvalidParameter" }, code: "configuration_invalid", says: /ARN/ },
  {
    fault: { status: 403, name: "InvalidClientTokenId" },
    code: "configuration_invalid",
    says: /credentials/,
  },
  { fault: { status: 400, name: "Throttling" }, code: "notifier_unavailable", says: /throttled/ },
  { fault: { status: 400, name: "KMSThrottling" }, code: "notifier_unavailable", says: /throttled/ },
  { fault: { status: 500, name: "InternalError" }, code: "notifier_unavailable", says: /failed inside/ },
  { fault: { status: 503, name: "NoName" }, code: "notifier_unavailable", says: /failed inside/ },
  { fault: "silence", code: "notifier_unavailable", says: /did not answer in time/ },
  { fault: "answerLost", code: "notifier_unavailable", says: /did not answer in time/ },
  { fault: { status: 418, name: "Teapot" }, code: "internal", says: /report it/ },
];

describe("refusals", () => {
  it.each(refusals)("$fault is $code", async ({ fault, code, says }) => {
    double.fault = () => fault;
    const hasty = snsNotifier({ topicArn, client: double.client(), patience: 250 });
    const refusal = (fault === "silence" ? hasty : notifier).notify(notice);
    await expect(refusal).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
    await expect(refusal).rejects.toThrow(topicArn);
  });
});
