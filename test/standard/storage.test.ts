/**
 * Room: test. The document of data at rest says of everything that is kept: every partition that the product makes, every
 * place that a stage has on AWS with the key that its template names, and when items end.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import type { NewItem } from "../../core/ports.ts";
import { acknowledgementEventItem } from "../../core/records/acknowledgement-record.ts";
import { attemptItem } from "../../core/records/attempt-record.ts";
import { challengeItem } from "../../core/records/challenge-record.ts";
import { enrollmentRequestItem } from "../../core/records/enrollment-request-record.ts";
import { invitationItem } from "../../core/records/invitation-record.ts";
import { proofItem } from "../../core/records/proof-record.ts";
import { requestItem } from "../../core/records/request-record.ts";
import { revocationEntryItem } from "../../core/records/revocation-entry.ts";
import { rotationTaskItem } from "../../core/records/rotation-task-record.ts";
import { sessionItem } from "../../core/records/session-record.ts";
import { tokenItem } from "../../core/records/token-record.ts";
import { renderStorage } from "../../core/standard/render-storage.ts";
import { type CloudPlace, cloudStorage } from "../../core/standard/storage.ts";
import { indexPartitions, storedItems } from "../../core/standard/stored-items.ts";
import {
  keyWithAlias,
  type Resource,
  type SynthesisedStage,
  synthesise,
} from "../infra/synthesised-stage.ts";

const root = join(import.meta.dirname, "../..");

test("docs/data-at-rest.md is what the tables render to", () => {
  expect(readFileSync(join(root, "docs/data-at-rest.md"), "utf8")).toBe(renderStorage());
});

/** Texts of sources that begin keys of items, by the files that have them. */
function keyTexts(): ReadonlyMap<string, string> {
  const patterns = [
    /[`"](?<text>[A-Z][A-Z-]*#)/g,
    /(?:\b[sp]k: |[sS]ortKey = |[pP]artition = )"(?<text>[A-Z][A-Z-]*)"/g,
    /#(?<text>[A-Z][A-Z-]{2,})[`#]/g,
  ];
  const sources = readdirSync(join(root, "core"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.startsWith("standard"))
    .map((path) => [path, readFileSync(join(root, "core", path), "utf8")] as const);
  return new Map(
    sources.flatMap(([path, text]) =>
      patterns.flatMap((pattern) =>
        Array.from(text.matchAll(pattern), ({ groups }) => [groups?.["text"] ?? "", path] as const),
      ),
    ),
  );
}

describe("items", () => {
  const partitions = [...storedItems, ...indexPartitions].map(({ partition }) => partition);
  const sortKeys = storedItems.flatMap((row) => row.sortKeys ?? []);

  it("every text with which core begins a key is in the table", () => {
    const known = new Set([...partitions, ...sortKeys]);
    const unknown = [...keyTexts()].filter(([text]) => !known.has(text));
    expect(keyTexts().size).toBeGreaterThan(90);
    expect(unknown).toEqual([]);
  });

  it("nothing is in the table that core makes no more", () => {
    const made = keyTexts();
    expect([...partitions, ...sortKeys].filter((text) => !made.has(text))).toEqual([]);
  });

  it("each partition has one row, and an index one for each of its partitions", () => {
    expect(new Set(storedItems.map(({ partition }) => partition)).size).toBe(storedItems.length);
    expect(new Set(indexPartitions.map(({ partition }) => partition)).size).toBe(indexPartitions.length);
    const rows = new Set(storedItems.map(({ partition }) => partition));
    expect(indexPartitions.filter(({ of }) => !rows.has(of))).toEqual([]);
  });
});

describe("when items end", () => {
  const end = 1_800_000_000_000;
  // Only what the key and the end are made of.
  const partial = <Value>(members: object): Value => members as Value;
  const ended: Readonly<Record<string, NewItem>> = {
    "TOKEN#": tokenItem(partial({ fleet: "f", digest: "d", expiresAt: end })),
    "INVITATION#": invitationItem(partial({ fleet: "f", digest: "d", expiresAt: end })),
    "CHALLENGE#": challengeItem(partial({ fleet: "f", digest: "d", expiresAt: end })),
    "SESSION#": sessionItem(partial({ fleet: "f", sessionId: "s", expiresAt: end })),
    "PROOF#": proofItem("f", partial({ keyThumbprint: "k", proofId: "p", expiresAt: end - 1_000 })),
    "ATTEMPTS#": attemptItem("f", "operator:x", { failures: 1, until: end }),
    "REQUEST#": requestItem("f", "d", "01", end),
    "ENROLLMENT-REQUEST#": enrollmentRequestItem(
      { pk: "ENROLLMENT-REQUEST#f", sk: "00#0" },
      partial({ expiresAt: end }),
    ),
    "ACKNOWLEDGED#": acknowledgementEventItem(
      partial({ fleet: "f", kind: "device", id: "d", version: 1, at: end }),
    ),
    "ROTATIONTASKS#": rotationTaskItem(
      partial({ fleet: "f", action: "deployKey", subject: "s", closedAt: end }),
    ),
    "REVOKED#": revocationEntryItem(
      partial({ fleet: "f", authorityId: "a", crlShard: "c", serialNumber: "01", changedAt: end }),
      end / 1000,
    ),
  };

  it.each(Object.entries(ended))("%s ends when its row says", (partition, item) => {
    const row = storedItems.find((one) => one.partition === partition);
    expect(item.pk.startsWith(partition)).toBe(true);
    const days = typeof row?.kept === "object" ? row.kept.days : Number.NaN;
    expect(item.expiresAt).toBe(end / 1000 + days * 86_400);
  });

  it("every other row with an end is one that code elsewhere counts", () => {
    const counted = storedItems
      .filter(({ kept }) => typeof kept === "object")
      .map(({ partition }) => partition);
    const elsewhere = ["ISSUANCES#", "KEYNOTICES#", "LISTNOTICES#"];
    expect(counted.filter((partition) => ended[partition] === undefined)).toEqual(elsewhere);
  });
});

const certificate = (region: string): string =>
  `arn:aws:acm:${region}:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef`;

/** A stage with everything that a stage may have. */
const everything = {
  account: "123456789012",
  region: "eu-central-1",
  domains: {
    mutualTls: { name: "devices.example.org", certificateArn: certificate("eu-central-1") },
    public: { name: "enrol.example.org", certificateArn: certificate("eu-central-1") },
  },
  artifacts: { domainName: "trust.example.org", certificateArn: certificate("us-east-1") },
};

/** Hold nothing that anybody writes: settings, permissions, and figures. */
const settings =
  /^AWS::(?:IAM|ApiGatewayV2|CloudFront|WAFv2|Scheduler|CloudWatch|Events)::|^AWS::KMS::|^AWS::Lambda::(?:Permission|EventInvokeConfig|Alias|Version)$|^AWS::Logs::(?:MetricFilter|ResourcePolicy)$|^AWS::(?:S3::Bucket|SQS::Queue|SNS::Topic)Policy$|^AWS::Backup::Backup(?:Plan|Selection)$/;

/** What the template says of the key: a part of one of these members, by the type of the resource. */
function keyOf({ Type, Properties }: Resource): string {
  const member: Readonly<Record<string, unknown>> = {
    "AWS::DynamoDB::Table": Properties["SSESpecification"],
    "AWS::Backup::BackupVault": Properties["EncryptionKeyArn"],
    "AWS::S3::Bucket": Properties["BucketEncryption"],
    "AWS::SNS::Topic": Properties["KmsMasterKeyId"],
    "AWS::SQS::Queue": Properties["KmsMasterKeyId"],
    "AWS::Logs::LogGroup": Properties["KmsKeyId"],
    "AWS::Lambda::Function": Properties["KmsKeyArn"],
  };
  return JSON.stringify(member[Type] ?? "nothing");
}

describe("a stage on AWS", () => {
  let stage: SynthesisedStage;
  beforeAll(() => {
    stage = synthesise(everything, { "fleetkey:trustStoreVersion": "1" });
  }, 60_000);

  const places = (): readonly CloudPlace[] => Object.values<CloudPlace>(cloudStorage);
  const holding = (): readonly [string, Resource][] =>
    [...stage.parts.values()]
      .flatMap(Object.entries<Resource>)
      .filter(([, { Type }]) => !settings.test(Type));
  const placesOf = ([id, { Type }]: readonly [string, Resource]): readonly CloudPlace[] =>
    places().filter(({ type, named }) => type === Type && named.test(id));

  it("has no place that the table does not say of, and each is one row's", () => {
    expect(holding().length).toBeGreaterThan(40);
    expect(
      holding()
        .filter((each) => placesOf(each).length !== 1)
        .map(([id]) => id),
    ).toEqual([]);
  });

  it("has every place of the table", () => {
    const found = new Set(holding().flatMap(placesOf));
    expect(
      places()
        .filter((place) => !found.has(place))
        .map(({ where }) => where),
    ).toEqual([]);
  });

  it("45 CFR 164.312(a)(2)(iv): each is under the very key that the table says, or is named with the reason", () => {
    const keys: Readonly<Record<string, string>> = {
      data: keyWithAlias(stage, "data"),
      operations: keyWithAlias(stage, "operations"),
      own: "ArtifactsFirewallLogKey",
    };
    const wrong = holding().filter((each) => {
      const [place] = placesOf(each);
      if (place?.key === "none") return place.unkeyed === undefined || !keyOf(each[1]).includes("AES256");
      const key = keys[place?.key ?? ""];
      return key === undefined || !keyOf(each[1]).includes(key);
    });
    expect(wrong.map(([id]) => id)).toEqual([]);
  });

  it("the copies that the table says of: the items alone are in the backup plan", () => {
    const selections = [...stage.parts.values()]
      .flatMap((resources) => Object.values(resources))
      .filter(({ Type }) => Type === "AWS::Backup::BackupSelection");
    const selected = JSON.stringify(selections.map(({ Properties }) => Properties));
    const [items] = holding().filter((each) => placesOf(each).includes(cloudStorage.items));
    const [subjectKeys] = holding().filter((each) => placesOf(each).includes(cloudStorage.subjectKeys));
    expect(selections).toHaveLength(1);
    expect(selected).toContain(items?.[0]);
    expect(subjectKeys?.[0]).toBeDefined();
    expect(selected).not.toContain(subjectKeys?.[0]);
  });
});
