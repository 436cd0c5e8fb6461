/** Room: core/standard. The security standard as a document for people; the table in code is the source. */

import type { AlgorithmEntry } from "./algorithms.ts";
import type { Cryptoperiod } from "./cryptoperiods.ts";
import { type Clause, type Profile, type Retention, securityStandard } from "./index.ts";
import { type Row, table } from "./markdown.ts";
import { accessSection } from "./render-access.ts";
import { publicationSection } from "./render-publication.ts";
import { rotationSection } from "./render-rotation.ts";

function duration(days: number): string {
  if (days >= 1) return days === 1 ? "1 day" : `${days} days`;
  return `${days * 24} h`;
}

const list = (items: readonly string[]): string => (items.length === 0 ? "none" : items.join(", "));

function algorithmTable(rows: Readonly<Record<string, AlgorithmEntry>>): string {
  return table(
    ["algorithm", "security, bits", "quantum-resistant", "source"],
    Object.values(rows).map((row) => [
      row.id,
      `${row.strengthBits}`,
      row.quantumResistant ? "yes" : "no",
      row.citation,
    ]),
  );
}

function algorithms(): string {
  const { subject, authority, signature, rsa, defaults } = securityStandard.algorithms;
  return [
    "## Algorithms",
    "What is not listed is refused.",
    "### Keys of subjects",
    algorithmTable(subject),
    `RSA keys have ${rsa.minimumBits} to ${rsa.maximumBits} bits, in steps of ${rsa.stepBits}, and the public ` +
      `exponent ${rsa.publicExponent}. Keys with small factors, with primes that ${rsa.fermatRounds} rounds of ` +
      `Fermat's method find, or with the ROCA fingerprint are refused (${rsa.citation}).`,
    "### Keys of authorities",
    algorithmTable(authority),
    `A new fleet gets a ${defaults.root} root and a ${defaults.issuing} issuing authority (${defaults.citation}).`,
    "### Signatures on requests",
    algorithmTable(signature),
  ].join("\n\n");
}

function cryptoperiods(): string {
  const rows = Object.values<Cryptoperiod>(securityStandard.cryptoperiods);
  return [
    "## Cryptoperiods",
    "Kinds of key that the product does not make yet have their cryptoperiod here already.",
    table(
      ["key or secret", "protects new data for", "relied on for", "reason", "source"],
      rows.map((row) => [
        row.kind,
        duration(row.originatorDays),
        duration(row.recipientDays),
        row.reason,
        row.citation,
      ]),
    ),
  ].join("\n\n");
}

function profileRow(profile: Profile): Row {
  const { cA, pathLenConstraint } = profile.basicConstraints;
  const path = pathLenConstraint === undefined ? "" : `, path length ${pathLenConstraint}`;
  const rsaOnly = profile.rsaKeyUsage.map((usage) => `${usage} (RSA only)`);
  return [
    profile.id,
    cA ? `yes${path}` : "no",
    list([...profile.keyUsage, ...rsaOnly]),
    list(profile.extendedKeyUsage),
    list(profile.subjectAlgorithms),
    `${profile.rsaModulusBits.minimum} to ${profile.rsaModulusBits.maximum}`,
    `${profile.defaultDays} / ${profile.maximumDays} days`,
    `after ${Math.round(profile.renewAfterFraction * 100)} %, ${profile.keyReuse ? "same key allowed" : "new key"}`,
    profile.citation,
  ];
}

function profileSection(): string {
  return [
    "## Certificate profiles",
    "Names and extensions are rebuilt from the profile and the verified identity; nothing is copied from a request. " +
      "No certificate outlives its issuer.",
    table(
      [
        "profile",
        "CA",
        "key usage",
        "key purposes",
        "keys",
        "RSA bits",
        "default / maximum",
        "renewal",
        "source",
      ],
      Object.values(securityStandard.profiles).map(profileRow),
    ),
  ].join("\n\n");
}

function transport(): string {
  const { tls } = securityStandard;
  const code = (value: string): string =>
    value
      .split(":")
      .map((item) => `\`${item}\``)
      .join(", ");
  return [
    "## Data in motion",
    table(
      ["setting", "value"],
      [
        ["versions", `${tls.minVersion} to ${tls.maxVersion}`],
        ["cipher suites", code(tls.ciphers)],
        ["groups", code(tls.ecdhCurve)],
        ["signature schemes", code(tls.sigalgs)],
        ["session resumption", `${tls.sessionTimeout} s`],
        ["source", tls.citation],
      ],
    ),
  ].join("\n\n");
}

function credentials(): string {
  const { enrollmentToken: token } = securityStandard.credentials;
  return [
    "## Credentials",
    table(
      ["credential", "random bits", "default life", "longest life", "source"],
      [
        [
          "enrolment token (one device, one use)",
          `${token.entropyBits}`,
          duration(token.defaultSeconds / 86_400),
          duration(token.maximumSeconds / 86_400),
          token.citation,
        ],
      ],
    ),
  ].join("\n\n");
}

function limitSection(): string {
  const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return [
    "## Limits",
    table(
      ["of", "limit", "source"],
      Object.entries(securityStandard.limits).map(([name, { value, unit, citation }]) => [
        words(name),
        `${value} ${unit}`,
        citation,
      ]),
    ),
  ].join("\n\n");
}

function retentionSection(): string {
  return [
    "## Retention",
    "What a deployment on AWS writes about itself, and for how long.",
    table(
      ["of", "kept for", "reason", "source"],
      Object.values<Retention>(securityStandard.retention).map((row) => [
        row.of,
        duration(row.days),
        row.reason,
        row.citation,
      ]),
    ),
  ].join("\n\n");
}

function clauseSection(): string {
  const where = (clause: Clause): string =>
    clause.status === "planned" ? "planned" : clause.enforcedBy.map((path) => `\`${path}\``).join(", ");
  return [
    "## Clauses",
    table(
      ["source", "demand", "answer", "enforced by"],
      securityStandard.clauses.map((clause) => [
        clause.citation,
        clause.demand,
        clause.answer,
        where(clause),
      ]),
    ),
  ].join("\n\n");
}

/** `docs/security-standard.md`, whole: Markdown, one trailing newline. The same text for the same table. */
export function renderSecurityStandard(): string {
  return `${[
    "<!-- Generated from core/standard by `npm run docs`; do not edit. -->",
    "# Security standard",
    "This page says what the system enforces: policy, lint, listeners and credentials read their limits from the " +
      "table in `core/standard` that this page is rendered from. Change the table, with its citation, and run `npm run docs`.",
    algorithms(),
    profileSection(),
    cryptoperiods(),
    rotationSection(),
    transport(),
    credentials(),
    accessSection(),
    publicationSection(),
    limitSection(),
    retentionSection(),
    clauseSection(),
  ].join("\n\n")}\n`;
}
