/** Room: cli. What `fleetkey doctor` looks at of what a service publishes: the trust manifest, one CRL. */
import { findAsked } from "./asked-certificate.ts";
import { factsOf } from "./certificate-list.ts";
import { Failure } from "./failure.ts";
import { fetchList } from "./fetched-list.ts";
import { type Finding, ok, warn } from "./finding.ts";
import { withOperatorApi } from "./session.ts";
import { type Settings, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { pullManifest } from "./trust-manifest.ts";

/** With the machine's roots nothing says which root is the fleet's, so that nothing signed can be believed. */
const unproved = (settings: Settings): boolean => settings.ca.value === systemRoots;

/** Throws `trust_expired` for one that was to be replaced by now. */
export async function checkManifest(settings: Settings, terminal: Terminal): Promise<readonly Finding[]> {
  if (unproved(settings))
    return [
      warn(
        "the trust manifest is not judged: --ca system does not say which root is the fleet's",
        "fleetkey trust pull --manifest FILE --fingerprint HEX",
      ),
    ];
  try {
    const { manifest } = await pullManifest({ settings, fingerprint: undefined }, terminal);
    return [ok(`trust version ${manifest.version}, newer before ${manifest.nextUpdate}`)];
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "not_found") throw error;
    return [
      warn("no trust manifest is published", "a new fleet has one in a minute; else see the service's log"),
    ];
  }
}

/** The list of the certificate that was issued last. Throws what `crl get` throws. */
export async function checkNewestList(settings: Settings, terminal: Terminal): Promise<readonly Finding[]> {
  if (unproved(settings)) return [];
  const { certificates } = await withOperatorApi({ settings, terminal }, (api) => api.list({ limit: 1 }));
  const [newest] = certificates;
  if (newest === undefined || Date.parse(newest.notAfter) <= terminal.now())
    return [ok("no certificate is in force whose list could be looked at")];
  try {
    const asked = await findAsked({ serial: newest.serialNumber }, settings, terminal);
    const {
      issuer,
      number = "none",
      nextUpdate = "never",
    } = factsOf(await fetchList(asked, settings, terminal));
    return [ok(`list ${number} of ${issuer}, for the newest certificate, good until ${nextUpdate}`)];
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "crl_unnamed") throw error;
    return [ok("the newest certificate names no list")];
  }
}
