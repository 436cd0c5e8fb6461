/** Room: core/lint. What a rule is, and what it gets to see. */
import type { KeyKind } from "../formats/key-kind.ts";
import type { ExtensionType } from "../formats/x509/extension.ts";
import type { TbsCertificate } from "../formats/x509/tbs-certificate.ts";
import type { Profile } from "../standard/profiles.ts";

export interface LintContext {
  readonly profile: Profile;
  /** The issuer's own certificate, or "self" for a root. */
  readonly issuer: TbsCertificate | "self";
}

export interface DecodedExtension<Value> {
  readonly value: Value;
  readonly critical: boolean;
}

export interface LintSubject {
  readonly tbs: TbsCertificate;
  readonly context: LintContext;
  /** Decoded once; undefined when absent, or when it does not decode (a rule of its own says so). */
  extension<Value>(type: ExtensionType<Value>): DecodedExtension<Value> | undefined;
  /** As `extension`, of the issuer's certificate; of the subject itself for "self". */
  issuerExtension<Value>(type: ExtensionType<Value>): DecodedExtension<Value> | undefined;
  /** Undefined when the key is of no known algorithm (a rule of its own says so). */
  readonly keyKind: KeyKind | undefined;
  /** Of the issuer's key, or of the subject's own for "self". */
  readonly issuerKeyKind: KeyKind | undefined;
  /** One message for each extension that does not decode. */
  readonly malformedExtensions: readonly string[];
}

export interface LintRule {
  /** The file's name. */
  readonly id: string;
  readonly citation: string;
  /** The finding's message: value, limit, remedy; undefined when the rule is kept. Never throws. */
  readonly check: (subject: LintSubject) => string | undefined;
}

export interface LintFinding {
  readonly rule: string;
  readonly citation: string;
  readonly message: string;
}
