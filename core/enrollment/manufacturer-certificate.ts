/**
 * Room: core/enrollment. A maker's certificate (IEEE 802.1AR IDevID) under the anchors that the fleet has configured:
 * which anchor signed it, and which module it names. The transport has proved possession of its key.
 */
import { hash } from "node:crypto";
import { AppError, isAppError } from "../errors.ts";
import { decodeHardwareModuleName, hardwareModuleNameOid } from "../formats/hardware-module-name.ts";
import { nameAttributes } from "../formats/name-attribute.ts";
import { decodePem } from "../formats/pem.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../formats/spki.ts";
import { checkKeyStrength } from "../formats/weak-keys.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../formats/x509/certificate.ts";
import { decodedExtension } from "../formats/x509/extension.ts";
import {
  basicConstraints,
  certificatePolicies,
  extendedKeyUsage,
  keyPurposes,
  keyUsage,
  subjectAltName,
} from "../formats/x509/extensions/index.ts";
import type { KeylessApp } from "../ports.ts";
import type { ManufacturerTrust } from "../records/fleet-configuration.ts";

interface Anchor {
  readonly certificate: Certificate;
  readonly publicKey: SubjectPublicKey;
}

function untrusted(reason: string): AppError {
  return new AppError(
    "client_certificate_untrusted",
    `the client certificate ${reason}; present one of the fleet, or of a manufacturer that it trusts`,
  );
}

function anchorOf(app: KeylessApp, { certificate: pem }: ManufacturerTrust): Anchor {
  return app.memo.get(`anchor:${hash("sha256", pem)}`, () => {
    const [raw] = decodePem(pem, "CERTIFICATE");
    if (raw === undefined) throw new AppError("internal", "a manufacturer's anchor holds no certificate");
    const certificate = decodeCertificate(raw);
    return { certificate, publicKey: decodeSubjectPublicKey(certificate.tbs.subjectPublicKeyInfo) };
  });
}

/** RFC 5280 §4.2: a critical extension that is not processed refuses the certificate, and so does a repeated one. */
function checkExtensions({ tbs }: Certificate, processed: readonly string[], whose: string): void {
  const oids = tbs.extensions.map(({ oid }) => oid);
  if (new Set(oids).size !== oids.length) throw untrusted(`${whose} an extension twice`);
  if (tbs.extensions.some(({ oid, critical }) => critical && !processed.includes(oid)))
    throw untrusted(`${whose} a critical extension that is not known here`);
}

// Policies are processed in that none is asked for (RFC 5280 §6.1.1: the initial set is any-policy, no explicit policy is required).
const ofAnchors = [basicConstraints.oid, keyUsage.oid, certificatePolicies.oid];
const ofDevices = [...ofAnchors, extendedKeyUsage.oid, subjectAltName.oid];

function inForce(app: KeylessApp, { tbs }: Certificate): boolean {
  const now = app.clock.now();
  // RFC 5280 §4.1.2.5: `99991231235959Z`, no well-defined end, is a time like others here.
  return tbs.validity.notBefore <= now && now <= tbs.validity.notAfter + 999;
}

/** RFC 5280 §6.1.4 (k), (n): what signs certificates is an authority and may do so. */
function checkAnchor(app: KeylessApp, { certificate }: Anchor): void {
  if (!inForce(app, certificate)) throw untrusted("is signed by an anchor outside its validity");
  checkExtensions(certificate, ofAnchors, "is signed by an anchor with");
  const usage = decodedExtension(certificate.tbs, keyUsage);
  if (decodedExtension(certificate.tbs, basicConstraints)?.cA !== true || usage?.has("keyCertSign") !== true)
    throw untrusted("is signed by an anchor that may not sign certificates");
}

/** RFC 5280 §4.2.1.12: not restricted, though other purposes are named. */
const anyExtendedKeyUsage = "2.5.29.37.0";

function checkDevice(app: KeylessApp, certificate: Certificate): void {
  if (!inForce(app, certificate))
    throw new AppError(
      "client_certificate_expired",
      "the manufacturer's certificate is outside its validity",
    );
  checkExtensions(certificate, ofDevices, "has");
  if (decodedExtension(certificate.tbs, basicConstraints)?.cA === true) throw untrusted("is an authority's");
  const usage = decodedExtension(certificate.tbs, keyUsage);
  // IEEE 802.1AR §8.10.4 asks for digitalSignature; RFC 5280 §4.2.1.3 reads its absence as every usage.
  if (usage !== undefined && !usage.has("digitalSignature")) throw untrusted("is not for signatures");
  if (usage?.has("keyCertSign") === true) throw untrusted("is for signing certificates");
  const purposes = decodedExtension(certificate.tbs, extendedKeyUsage);
  const authenticates =
    purposes === undefined ||
    purposes.includes(keyPurposes.clientAuth) ||
    purposes.includes(anyExtendedKeyUsage);
  if (!authenticates) throw untrusted("is not for client authentication");
  checkKeyStrength(decodeSubjectPublicKey(certificate.tbs.subjectPublicKeyInfo));
}

const printable = /^[!-~]+$/;

/**
 * One text for each octet string: printable ASCII as it stands, anything else as `hex:` and lowercase hexadecimal.
 */
function octetText(octets: Uint8Array): string {
  const bytes = Buffer.from(octets);
  const text = bytes.toString("latin1");
  return printable.test(text) && !text.startsWith("hex:") ? text : `hex:${bytes.toString("hex")}`;
}

function onlyOne<Value>(values: readonly Value[], what: string): Value {
  const [value, ...others] = values;
  if (value === undefined || others.length > 0)
    throw untrusted(`has ${values.length} identifiers of kind ${what} instead of one`);
  return value;
}

/**
 * The maker's identifier of the module. RFC 4108 §5: type and serial number together name it, as
 * `1.3.6.1.4.1.32473.1:SN-00042`; X.520: the serialNumber attribute does alone.
 */
function identifierOf(certificate: Certificate, kind: ManufacturerTrust["identifier"]): string {
  if (kind === "serialNumber") {
    const attributes = certificate.tbs.subject.flat();
    const { oid } = nameAttributes.serialNumber;
    return onlyOne(
      attributes.filter(({ type }) => type === oid),
      kind,
    ).value;
  }
  const names = decodedExtension(certificate.tbs, subjectAltName) ?? [];
  const values = names.flatMap((name) =>
    name.kind === "otherName" && name.type === hardwareModuleNameOid ? [name.value] : [],
  );
  const { hwType, hwSerialNum } = decodeHardwareModuleName(onlyOne(values, kind));
  if (hwSerialNum.length === 0) throw untrusted("names no serial number");
  return `${hwType}:${octetText(hwSerialNum)}`;
}

async function findAnchor(
  app: KeylessApp,
  manufacturers: readonly ManufacturerTrust[],
  certificate: Certificate,
): Promise<{ readonly trust: ManufacturerTrust; readonly anchor: Anchor }> {
  for (const trust of manufacturers) {
    const anchor = anchorOf(app, trust);
    const named = Buffer.from(anchor.certificate.tbs.subjectRaw).equals(certificate.tbs.issuerRaw);
    if (named && (await verifyCertificateSignature(certificate, anchor.publicKey))) return { trust, anchor };
  }
  throw untrusted("is of none of the fleet's authorities and manufacturers");
}

export interface ManufacturerIdentity {
  /** Id of the fleet's trust entry. */
  readonly manufacturer: string;
  readonly identifier: string;
}

/**
 * @throws AppError client_certificate_untrusted (no anchor of the fleet signed it, or RFC 5280 §6.1 refuses it),
 * client_certificate_expired, key_weak, key_unsupported, key_malformed.
 */
export async function identifyManufacturer(
  app: KeylessApp,
  manufacturers: readonly ManufacturerTrust[],
  certificate: Certificate,
): Promise<ManufacturerIdentity> {
  const { trust, anchor } = await findAnchor(app, manufacturers, certificate);
  try {
    checkAnchor(app, anchor);
    checkDevice(app, certificate);
    return { manufacturer: trust.id, identifier: identifierOf(certificate, trust.identifier) };
  } catch (error) {
    if (!isAppError(error, "der_malformed") && !isAppError(error, "der_too_deep")) throw error;
    throw untrusted("has an extension that cannot be read");
  }
}
