/** Room: test. Exports are read back by readers that are not ours: Python's csv module, JSON.parse. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { csvPage, exportRows, ndjsonPage } from "../../core/distribution/export.ts";
import { type CertificateSummary, listCertificates } from "../../core/distribution/inventory.ts";
import { testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { madeRecord, store } from "./stored-certificates.ts";

const row: CertificateSummary = {
  serialNumber: "01ab",
  subjectKind: "device",
  subjectId: "pump-1",
  profile: "device",
  authorityId: "issuing-1",
  status: "held",
  keyAlgorithm: "P-256",
  notBefore: "2026-01-01T00:00:00Z",
  notAfter: "2026-04-01T00:00:00Z",
  issuedAt: "2026-01-01T00:05:00Z",
  revokedAt: "2026-02-01T00:00:00Z",
  revocationReason: "certificateHold",
};

const reader = `
import csv, io, json, sys
text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="").read()
json.dump(list(csv.DictReader(io.StringIO(text, newline=""), strict=True)), sys.stdout)
`;

function readCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", reader], { input: text, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

describe("CSV", () => {
  it("RFC 4180 §2: lines end with CRLF, one line of names on the first page only", () => {
    const first = csvPage([row], true);
    expect(first.split("\r\n")).toHaveLength(3);
    expect(first.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(csvPage([row], false)).toBe(first.slice(first.indexOf("\r\n") + 2));
    expect(csvPage([], false)).toBe("");
  });

  it("RFC 4180 §2: commas, quotes and line ends are quoted, and read back as they were", () => {
    const subjectId = 'a "quoted", long\r\nname\nof ü';
    expect(readCsv(csvPage([{ ...row, subjectId }, row], true))).toEqual([{ ...row, subjectId }, row]);
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])(
    "no spreadsheet takes %j for a formula",
    (subjectId) => {
      expect(readCsv(csvPage([{ ...row, subjectId }], true))[0]).toMatchObject({
        subjectId: `'${subjectId}`,
      });
    },
  );

  it("what is absent is empty", () => {
    const { revokedAt: _, revocationReason: __, ...active } = row;
    expect(readCsv(csvPage([active], true))).toEqual([{ ...active, revokedAt: "", revocationReason: "" }]);
  });
});

describe("an export page by page", () => {
  it.each([1, 7, 100])("in pages of %d is the whole, in both formats", async (limit) => {
    const { app, close } = await openFleetApp();
    const now = app.clock.now();
    await store(
      app,
      Array.from({ length: 20 }, (_, at) => madeRecord(now - at * 1_000, { subjectId: `pump-${at}` })),
    );
    const whole = { csv: "", ndjson: "" };
    for (const format of ["csv", "ndjson"] as const) {
      let cursor: string | undefined;
      do {
        const place = cursor === undefined ? {} : { cursor };
        const page = await exportRows(app, { fleet, format, limit, status: "active", ...place });
        whole[format] += page.text;
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
    const { certificates } = await listCertificates(app, { fleet, limit: 1_000, status: "active" });
    await close();
    const none = { revokedAt: "", revocationReason: "" };
    expect(readCsv(whole.csv)).toEqual(certificates.map((certificate) => ({ ...certificate, ...none })));
    const lines = whole.ndjson.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(certificates);
    expect(whole.ndjson).toBe(ndjsonPage(certificates));
  });
});
