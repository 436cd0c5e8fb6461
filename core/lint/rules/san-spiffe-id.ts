/** Room: core/lint. Devices, operators, claims and backends have exactly one SPIFFE ID. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import { limits } from "../../standard/limits.ts";
import type { LintRule } from "../rule.ts";

// No user, port, query, fragment, percent-encoding, empty or relative segment; lower-case trust domain.
const spiffeId = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;
const holders: ReadonlySet<string> = new Set(["device", "operator", "claim", "backend"]);

export const sanSpiffeId: LintRule = {
  id: "san-spiffe-id",
  citation: "SPIFFE X.509-SVID §2; SPIFFE-ID §2",
  check(subject) {
    if (!holders.has(subject.context.profile.subjectKind)) return undefined;
    const names = subject.extension(subjectAltName)?.value;
    if (names === undefined) return undefined;
    const uris = names.flatMap(({ kind, value }) => (kind === "uniformResourceIdentifier" ? [value] : []));
    const [uri] = uris;
    if (uri === undefined || uris.length > 1) return `an SVID has exactly one URI, not ${uris.length}`;
    if (uri.length > limits.spiffeIdOctets.value) return `SPIFFE ID of ${uri.length} octets`;
    return spiffeId.test(uri) ? undefined : "the URI in subjectAltName is no SPIFFE ID with a path";
  },
};
