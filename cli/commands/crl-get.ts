/** Room: cli. `fleetkey crl get`. */

import type { CertificateList } from "../../core/formats/crl/certificate-list.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { askedFlags, findAsked } from "../asked-certificate.ts";
import { factsOf, isoTime } from "../certificate-list.ts";
import { type Context, defineCommand } from "../command.ts";
import { publicMode, writeFileAtomically } from "../credential-files.ts";
import { usageFailure } from "../failure.ts";
import { fetchList } from "../fetched-list.ts";
import { connectionFlags } from "../global-flags.ts";
import { resolveSettings } from "../settings.ts";

/** What the list says of the certificate. */
function statusIn({ revoked }: CertificateList, serialNumber: string) {
  const entry = revoked.find((each) => each.serialNumber === serialNumber);
  if (entry === undefined) return { onList: false } as const;
  const { revocationDate, reason = "unspecified" } = entry;
  return { onList: true, revokedAt: isoTime(revocationDate), reason } as const;
}

interface Wanted {
  readonly serialNumber: string;
  readonly out: string | undefined;
  readonly pem: boolean;
}

async function deliver(list: CertificateList, { serialNumber, out, pem }: Wanted, { output }: Context) {
  const text = pem ? encodePem("X509 CRL", list.raw) : undefined;
  if (out !== undefined) await writeFileAtomically(out, text ?? list.raw, publicMode);
  const facts = factsOf(list);
  const status = statusIn(list, serialNumber);
  const place = out === undefined ? { pem: text } : { out };
  output.answer({ ...facts, serialNumber, ...status, ...place }, out ?? text ?? "");
  const { number = "none", thisUpdate, nextUpdate = "never", entries } = facts;
  output.note(`list ${number} from ${thisUpdate} to ${nextUpdate}, ${entries} entries`);
  output.note(
    status.onList
      ? `${serialNumber} is on it since ${status.revokedAt} (${status.reason})`
      : `${serialNumber} is not on it`,
  );
}

export const crlGet = defineCommand({
  summary: "Fetch and verify the CRL that a certificate names",
  args: {
    ...askedFlags,
    out: { type: "string", valueHint: "FILE", description: "Write it there, DER unless --pem" },
    pem: { type: "boolean", description: "PEM; to stdout without --out" },
    ...connectionFlags,
  },
  async run(args, context) {
    const { out, pem = false } = args;
    if (out === undefined && !pem) throw usageFailure("DER goes to a file: give --out FILE, or --pem");
    const settings = resolveSettings(args, context.terminal.env);
    const asked = await findAsked(args, settings, context.terminal);
    const list = await fetchList(asked, settings, context.terminal);
    await deliver(list, { serialNumber: asked.serialNumber, out, pem }, context);
    return undefined;
  },
});
