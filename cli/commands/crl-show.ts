/** Room: cli. `fleetkey crl show`: what stands in a CRL file. Nothing is verified: whose it is, `crl get` knows. */
import {
  type CertificateList,
  decodeCertificateList,
  listLimits,
} from "../../core/formats/crl/certificate-list.ts";
import { factsOf, isoTime } from "../certificate-list.ts";
import { defineCommand } from "../command.ts";
import { readFileBytes } from "../credential-files.ts";
import { outputFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";

// PEM needs four characters for three octets, and line ends.
const maximumOctets = listLimits.maxBytes * 1.5;

/** RFC 7468 §5.2: text around the block is skipped. */
function derOf(octets: Buffer): Buffer {
  const text = octets[0] === 0x30 ? "" : octets.toString("latin1");
  const block = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/.exec(text)?.[1];
  return block === undefined ? octets : Buffer.from(block, "base64");
}

function entriesOf({ revoked }: CertificateList) {
  return revoked.map(({ serialNumber, revocationDate, reason = "unspecified" }) => ({
    serialNumber,
    revokedAt: isoTime(revocationDate),
    reason,
  }));
}

export const crlShow = defineCommand({
  summary: "Show what a CRL file says, without verifying it",
  args: {
    file: { type: "positional", required: true, valueHint: "FILE", description: "CRL, DER or PEM" },
    entries: { type: "boolean", description: "List its entries too" },
    ...outputFlags,
  },
  async run(args, { output }) {
    const list = decodeCertificateList(derOf(await readFileBytes(args.file, maximumOctets)));
    const facts = factsOf(list);
    const revoked = args.entries === true ? entriesOf(list) : undefined;
    const { distributionPoint = [], ...others } = facts;
    const width = "distributionPoint".length;
    const rows = [
      ...Object.entries(others),
      ...distributionPoint.map((url) => ["distributionPoint", url] as const),
    ];
    const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
    if (revoked !== undefined && revoked.length > 0) {
      const cells = revoked.map(({ serialNumber, revokedAt, reason }) => [serialNumber, revokedAt, reason]);
      lines.push("", renderTable(["SERIAL", "REVOKED", "REASON"], cells));
    }
    output.answer({ ...facts, ...(revoked === undefined ? {} : { revoked }) }, lines.join("\n"));
    return undefined;
  },
});
