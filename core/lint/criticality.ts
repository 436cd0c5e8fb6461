/** Room: core/lint. Rules of one shape: an extension that must, or must not, be critical. */
import type { ExtensionType } from "../formats/x509/extension.ts";
import type { LintRule } from "./rule.ts";

export function mustBeCritical<Value>(type: ExtensionType<Value>, id: string, citation: string): LintRule {
  return {
    id,
    citation,
    check: (subject) =>
      subject.extension(type)?.critical === false ? `${type.name} is not critical; mark it so` : undefined,
  };
}

export function mustNotBeCritical<Value>(type: ExtensionType<Value>, id: string, citation: string): LintRule {
  return {
    id,
    citation,
    check: (subject) =>
      subject.extension(type)?.critical === true
        ? `${type.name} is critical; mark it non-critical`
        : undefined,
  };
}
