/** Room: core/lint. Rules of one shape: keys that can only sign are given no usage that enciphers or agrees. */
import type { KeyType } from "../formats/algorithms.ts";
import { type KeyUsageBit, keyUsage } from "../formats/x509/extensions/index.ts";
import type { LintRule } from "./rule.ts";

const notSigning: readonly KeyUsageBit[] = [
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "encipherOnly",
  "decipherOnly",
];

export function signingOnly(keyTypes: readonly KeyType[], id: string, citation: string): LintRule {
  return {
    id,
    citation,
    check(subject) {
      const key = subject.keyKind?.algorithm;
      if (key === undefined || !keyTypes.includes(key.keyType)) return undefined;
      const usage = subject.extension(keyUsage)?.value;
      const bad = notSigning.find((bit) => usage?.has(bit));
      return bad === undefined ? undefined : `${bad} is given to an ${key.id} key, which can only sign`;
    },
  };
}
