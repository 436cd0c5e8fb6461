/** Room: core/lint. A TBS as rules see it: every extension decoded once. */
import { isAppError } from "../errors.ts";
import { type KeyKind, keyKindOf } from "../formats/key-kind.ts";
import type { ExtensionType } from "../formats/x509/extension.ts";
import { extensionTypes } from "../formats/x509/extensions/index.ts";
import type { TbsCertificate } from "../formats/x509/tbs-certificate.ts";
import type { DecodedExtension, LintContext, LintSubject } from "./rule.ts";

/** `act`'s result, or undefined for what it refuses as malformed. */
function unlessMalformed<Value>(
  act: () => Value,
  onMalformed?: (message: string) => void,
): Value | undefined {
  try {
    return act();
  } catch (error) {
    if (!isAppError(error)) throw error;
    onMalformed?.(error.message);
    return undefined;
  }
}

export class DecodedSubject implements LintSubject {
  readonly tbs: TbsCertificate;
  readonly context: LintContext;
  readonly keyKind: KeyKind | undefined;
  readonly malformedExtensions: readonly string[];
  readonly #extensions: ReadonlyMap<string, DecodedExtension<unknown>>;

  constructor(tbs: TbsCertificate, context: LintContext) {
    const extensions = new Map<string, DecodedExtension<unknown>>();
    const malformed: string[] = [];
    for (const { oid, critical, value } of tbs.extensions) {
      const type = extensionTypes.get(oid);
      // Of two of a kind the first counts; that there are two is a finding of its own.
      if (type === undefined || extensions.has(oid)) continue;
      const decoded = unlessMalformed(
        () => type.decode(value),
        (message) => malformed.push(message),
      );
      if (decoded !== undefined) extensions.set(oid, { value: decoded, critical });
    }
    this.tbs = tbs;
    this.context = context;
    this.keyKind = unlessMalformed(() => keyKindOf(tbs.subjectPublicKeyInfo));
    this.malformedExtensions = malformed;
    this.#extensions = extensions;
  }

  get issuerKeyKind(): KeyKind | undefined {
    const { issuer } = this.context;
    return issuer === "self" ? this.keyKind : unlessMalformed(() => keyKindOf(issuer.subjectPublicKeyInfo));
  }

  extension<Value>(type: ExtensionType<Value>): DecodedExtension<Value> | undefined {
    // Stored under type.oid is what this very type decoded.
    return this.#extensions.get(type.oid) as DecodedExtension<Value> | undefined;
  }

  issuerExtension<Value>(type: ExtensionType<Value>): DecodedExtension<Value> | undefined {
    const { issuer } = this.context;
    if (issuer === "self") return this.extension(type);
    const found = issuer.extensions.find(({ oid }) => oid === type.oid);
    if (found === undefined) return undefined;
    const value = unlessMalformed(() => type.decode(found.value));
    return value === undefined ? undefined : { value, critical: found.critical };
  }
}
