import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { commonNames } from "../../core/formats/name.ts";
import { verdictOn } from "./certification-request-maker.ts";
import { corpus, readCase } from "./corpora.ts";

interface Decoded {
  readonly file: string;
  readonly commonNames: readonly string[];
  readonly dnsNames: readonly string[];
  /** Extensions that no profile of a device permits: policy refuses them. */
  readonly others: readonly string[];
}

const refused = [
  { file: "bad_algorithm.csr.der", expected: "csr_algorithm_unsupported", reason: "signed with SHA-1" },
  {
    file: "invalid_signature.csr.der",
    expected: "csr_signature_invalid",
    reason: "signature does not verify",
  },
  { file: "long_cn.csr.der", expected: "csr_malformed", reason: "RFC 5280 ub-common-name: 65 characters" },
  { file: "short_key.csr.der", expected: "key_weak", reason: "RSA of 512 bits" },
] as const;

const well: readonly Decoded[] = [
  { file: "no_names.csr.der", commonNames: [], dnsNames: [], others: [] },
  { file: "ecdsa.csr.der", commonNames: [], dnsNames: ["example.com", "example2.com"], others: [] },
  {
    file: "cn_and_san.csr.der",
    commonNames: ["not-example.com"],
    dnsNames: ["not-example.com", "www.not-example.com"],
    others: [],
  },
];

const tlsFeature = "1.3.6.1.5.5.7.1.24";
const poison = "1.3.6.1.4.1.11129.2.4.3";
const forPolicy: readonly Decoded[] = [
  {
    file: "ct_poison_extension.csr.der",
    commonNames: ["not-example.com"],
    dnsNames: ["not-example.com"],
    others: [poison],
  },
  {
    file: "ct_poison_extension_empty.csr.der",
    commonNames: ["not-example.com"],
    dnsNames: [],
    others: [poison],
  },
  {
    file: "must_staple.csr.der",
    commonNames: ["not-example.com"],
    dnsNames: [],
    others: [tlsFeature],
  },
  {
    file: "unsupported_extension.csr.der",
    commonNames: ["not-example.com"],
    dnsNames: ["not-example.com"],
    others: ["2.25.123456789"],
  },
];

async function decode(folder: string, file: string): Promise<Decoded> {
  const csr = await verifyCsr(readCase(folder, file));
  return {
    file,
    commonNames: commonNames(csr.subject),
    dnsNames: csr.requested.subjectAltName.flatMap((name) => (name.kind === "dNSName" ? [name.value] : [])),
    others: csr.requested.others,
  };
}

const folder = corpus("csr");

describe.skipIf(folder === undefined)("requests of Boulder's test data (corpora, where present)", () => {
  const path = folder ?? "";

  it.each(refused)("$file is refused: $reason", async ({ file, expected }) => {
    expect(await verdictOn(readCase(path, file))).toBe(expected);
  });

  it.each(well)("$file is well formed; it asks for no extension beyond names", async (expected) => {
    expect(await decode(path, expected.file)).toEqual(expected);
  });

  it.each(forPolicy)("$file is well formed; it asks for what policy refuses", async (expected) => {
    expect(expected.others.length).toBeGreaterThan(0);
    expect(await decode(path, expected.file)).toEqual(expected);
  });

  it("every file of the folder has its verdict here", () => {
    const judged = [...refused, ...well, ...forPolicy].map(({ file }) => file).sort();
    expect(judged).toEqual(
      readdirSync(path)
        .filter((file) => file.endsWith(".der"))
        .sort(),
    );
  });
});
