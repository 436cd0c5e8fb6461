/** Room: cli. The CRL that a certificate names: fetched from the configured service, verified. */
import {
  type CertificateList,
  decodeCertificateList,
  listLimits,
} from "../core/formats/crl/certificate-list.ts";
import type { AskedCertificate } from "./asked-certificate.ts";
import { checkList, placeOfList } from "./certificate-list.ts";
import { usageFailure } from "./failure.ts";
import { withFleetApi } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { judging } from "./untrusted.ts";

const accept = "application/pkix-crl";

/** Throws `usage` without a certificate; `crl_unnamed`, and what `checkList` and `placeOfList` throw. */
export async function fetchList(
  { certificate, issuer, ca }: AskedCertificate,
  settings: Settings,
  terminal: Terminal,
): Promise<CertificateList> {
  if (certificate === undefined)
    throw usageFailure(
      "the list is named in the certificate: leave out --issuer, or give --certificate FILE",
    );
  const place = placeOfList(certificate, settings.fleet.value);
  const session = { settings, terminal, ca, maxResponseBytes: listLimits.maxBytes };
  const { body } = await withFleetApi(session, (api) =>
    api.fetch({ method: "GET", path: place.path, accept }),
  );
  return judging(async () => {
    const list = decodeCertificateList(body);
    await checkList(list, issuer, place, terminal.now());
    return list;
  });
}
