/** Room: core/lint. keyUsage is critical. */
import { keyUsage } from "../../formats/x509/extensions/index.ts";
import { mustBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const keyUsageCritical: LintRule = mustBeCritical(keyUsage, "key-usage-critical", "RFC 5280 §4.2.1.3");
