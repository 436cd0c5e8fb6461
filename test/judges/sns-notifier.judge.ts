/**
 * The Notifier contract on independent emulators of SNS, read back from a queue that is subscribed to the topic.
 * What an emulator lacks is asserted, so that the day it is mended this file says so.
 */
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { notifierContract } from "../contracts/notifier.ts";
import { type ModelledRequest, modelComplaints } from "../support/aws-model.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";
import { codeOf } from "../support/errors.ts";
import { type Received, SubscribedQueue } from "./support/subscribed-queue.ts";

interface OpenTopic {
  readonly url: string;
  readonly client: SNSClient;
  readonly topicArn: string;
  readonly queue: SubscribedQueue;
  readonly close: () => Promise<void>;
}

async function subscribe(open: Omit<OpenTopic, "queue">, name: string, filter?: object) {
  const queue = await SubscribedQueue.create(open.url, name);
  const attributes = filter === undefined ? {} : { Attributes: { FilterPolicy: JSON.stringify(filter) } };
  const subscription = { TopicArn: open.topicArn, Protocol: "sqs", Endpoint: queue.arn, ...attributes };
  await open.client.send(new SubscribeCommand(subscription));
  return queue;
}

async function openTopic(start: () => Promise<Emulator>): Promise<OpenTopic> {
  const { url, close: stop } = await start();
  const client = new SNSClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });
  const { TopicArn: topicArn = "" } = await client.send(new CreateTopicCommand({ Name: "notices" }));
  const close = async (): Promise<void> => {
    client.destroy();
    await stop();
  };
  const open = { url, client, topicArn, close };
  return { ...open, queue: await subscribe(open, "judge") };
}

const emulators = [
  { name: "moto", start: startMoto },
  { name: "ministack", start: startMinistack },
];

for (const { name, start } of emulators) {
  notifierContract(`SNS, ${name}`, async () => {
    const { client, topicArn, queue, close } = await openTopic(start);
    const delivered = async () => (await queue.received()).map(({ message }) => message);
    return { notifier: snsNotifier({ client, topicArn }), delivered, close };
  });
}

function running(start: () => Promise<Emulator>): () => OpenTopic {
  let opened: OpenTopic | undefined;
  beforeAll(async () => {
    opened = await openTopic(start);
  });
  afterAll(async () => {
    await opened?.close();
  });
  return () => opened ?? expect.fail("the topic is open only while its tests run");
}

/** Whatever the emulator, SNS itself among them. */
function commonBehaviour(open: () => OpenTopic): void {
  it("a subscription may filter by severity and by event, and reads the subject of the message", async () => {
    const critical = await subscribe(open(), "critical", { severity: ["critical"] });
    const fleets = await subscribe(open(), "fleets", { event: [{ prefix: "fleet." }] });
    const notifier = snsNotifier(open());
    await notifier.notify({ event: "fleet.created", severity: "information" });
    await notifier.notify({ event: "authority.near-end", severity: "critical" });
    const subjects = (received: readonly Received[]) => received.map(({ subject }) => subject);
    expect(subjects(await critical.atLeast(1))).toEqual(["Fleetkey critical: authority.near-end"]);
    expect(subjects(await fleets.atLeast(1))).toEqual(["Fleetkey information: fleet.created"]);
  });

  it("a topic that is not there is configuration_invalid", async () => {
    const { client, topicArn } = open();
    const notifier = snsNotifier({ client, topicArn: `${topicArn}-elsewhere` });
    expect(await codeOf(notifier.notify({ event: "fleet.created", severity: "information" }))).toBe(
      "configuration_invalid",
    );
  });

  it("what is no ARN is configuration_invalid", async () => {
    const notifier = snsNotifier({ client: open().client, topicArn: "notices" });
    expect(await codeOf(notifier.notify({ event: "fleet.created", severity: "information" }))).toBe(
      "configuration_invalid",
    );
  });

  it("gap: a subject with a line end is taken, which SNS refuses and the adapter never makes", async () => {
    const { client, topicArn } = open();
    const command = new PublishCommand({ TopicArn: topicArn, Message: "x", Subject: "a\nb" });
    expect((await client.send(command)).MessageId).toBeDefined();
  });
}

const longSubject = (topicArn: string) =>
  new PublishCommand({ TopicArn: topicArn, Message: "x", Subject: "a".repeat(101) });

describe("SNS, moto: behaviour and gaps", () => {
  const open = running(startMoto);
  commonBehaviour(open);

  it("a subject of more than 100 characters is refused", async () => {
    const { client, topicArn } = open();
    await expect(client.send(longSubject(topicArn))).rejects.toMatchObject({
      name: "InvalidParameterException",
    });
  });

  it("requests fit AWS's own model of the API", async () => {
    const { client, topicArn } = open();
    const requests: ModelledRequest[] = [];
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          requests.push({ operation: String(commandName).replace(/Command$/, ""), body: { ...args.input } });
          return next(args);
        },
      { step: "initialize", name: "recorded" },
    );
    const measures = { closed: 3 };
    await snsNotifier({ client, topicArn }).notify({
      event: "issuance.closed",
      severity: "warning",
      measures,
    });
    client.middlewareStack.remove("recorded");
    expect(requests.map(({ operation }) => operation)).toEqual(["Publish"]);
    expect(await modelComplaints("sns", requests)).toEqual([[]]);
  });
});

describe("SNS, ministack: behaviour and gaps", () => {
  const open = running(startMinistack);
  commonBehaviour(open);

  it("gap: a subject of more than 100 characters is taken", async () => {
    const { client, topicArn } = open();
    expect((await client.send(longSubject(topicArn))).MessageId).toBeDefined();
  });
});
