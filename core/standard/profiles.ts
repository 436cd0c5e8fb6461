/** Room: core/standard. What a certificate of each kind may look like; policy and lint read their limits here. */

export type ProfileId =
  | "root"
  | "issuing"
  | "cross"
  | "device"
  | "quarantine"
  | "server"
  | "operator"
  | "claim"
  | "backend"
  | "ocspResponder"
  | "trustSigner";

/** RFC 5280 §4.2.1.3, in the order of the bits. */
export type KeyUsageName =
  | "digitalSignature"
  | "nonRepudiation"
  | "keyEncipherment"
  | "dataEncipherment"
  | "keyAgreement"
  | "keyCertSign"
  | "cRLSign"
  | "encipherOnly"
  | "decipherOnly";

/** RFC 5280 §4.2.1.12: the purposes that profiles give. */
export type KeyPurposeName = "serverAuth" | "clientAuth" | "OCSPSigning" | "documentSigning";

export interface Profile {
  readonly id: ProfileId;
  readonly subjectKind: "authority" | "device" | "server" | "operator" | "claim" | "backend" | "service";
  readonly basicConstraints: { readonly cA: boolean; readonly pathLenConstraint?: number };
  readonly keyUsage: readonly KeyUsageName[];
  /** KeyUsage bits added when the subject key is RSA. */
  readonly rsaKeyUsage: readonly KeyUsageName[];
  /** Empty for authorities. */
  readonly extendedKeyUsage: readonly KeyPurposeName[];
  /** `KeyAlgorithmId` values. */
  readonly subjectAlgorithms: readonly string[];
  readonly rsaModulusBits: { readonly minimum: number; readonly maximum: number };
  /** Days of validity, both ends included, when the request asks for nothing. */
  readonly defaultDays: number;
  /** Days of validity, both ends included, that no request exceeds. */
  readonly maximumDays: number;
  /** Seconds that notBefore lies before the time of issuance, for devices whose clocks run late. */
  readonly backdateSeconds: number;
  /** Share of the validity after which the holder is told to renew. */
  readonly renewAfterFraction: number;
  /** Whether certificates say where their status is: cRLDistributionPoints and authorityInfoAccess. */
  readonly statusPointers: boolean;
  /** RFC 6960 §4.2.2.2.1: nobody asks for the status of this one. */
  readonly ocspNoCheck?: true;
  /** Whether renewal may keep the key. */
  readonly keyReuse: boolean;
  readonly citation: string;
}

const authorityKeys = ["P-256", "P-384", "Ed25519", "RSA", "ML-DSA-65", "ML-DSA-87"];
const subjectKeys = ["P-256", "P-384", "Ed25519", "RSA", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];
const authorityModulus = { minimum: 3072, maximum: 4096 };
const subjectModulus = { minimum: 2048, maximum: 4096 };

const authority = {
  subjectKind: "authority",
  // RFC 5280 §4.2.1.3: an authority signs certificates and CRLs, and nothing else.
  keyUsage: ["keyCertSign", "cRLSign"],
  rsaKeyUsage: [],
  extendedKeyUsage: [],
  subjectAlgorithms: authorityKeys,
  rsaModulusBits: authorityModulus,
  backdateSeconds: 300,
  // An authority's state is in the trust bundle; the root's list is complete and needs no pointer to a part.
  statusPointers: false,
  keyReuse: false,
} as const;

const endEntity = {
  basicConstraints: { cA: false },
  keyUsage: ["digitalSignature"],
  rsaKeyUsage: [],
  subjectAlgorithms: subjectKeys,
  rsaModulusBits: subjectModulus,
  backdateSeconds: 300,
  renewAfterFraction: 2 / 3,
  statusPointers: true,
  keyReuse: false,
} as const;

/** Keys of the service itself, which sign what others rely on. */
const service = {
  ...endEntity,
  subjectKind: "service",
  subjectAlgorithms: authorityKeys,
  rsaModulusBits: authorityModulus,
  statusPointers: false,
  // The key stays where it is for its cryptoperiod; its certificates are renewed more often.
  keyReuse: true,
} as const;

export const profiles: Readonly<Record<ProfileId, Profile>> = {
  root: {
    ...authority,
    id: "root",
    basicConstraints: { cA: true },
    defaultDays: 3650,
    maximumDays: 3650,
    // Its successor must stand while an issuing authority's whole life is left: 1 - 1095 / 3650.
    renewAfterFraction: 0.7,
    citation: "RFC 5280 §4.2.1.3, §4.2.1.9; SP 800-57 Part 1 r5 §5.3.6",
  },
  issuing: {
    ...authority,
    id: "issuing",
    // RFC 5280 §4.2.1.9: no authority below this one.
    basicConstraints: { cA: true, pathLenConstraint: 0 },
    defaultDays: 1095,
    maximumDays: 1095,
    // As for the root, for the longest device certificate: 1 - 397 / 1095, rounded down.
    renewAfterFraction: 0.6,
    citation: "RFC 5280 §4.2.1.3, §4.2.1.9; SP 800-57 Part 1 r5 §5.3.6",
  },
  cross: {
    ...authority,
    id: "cross",
    basicConstraints: { cA: true },
    // Until the older of the two roots ends: it is cut to its issuer's own end (RFC 9810 §4.4).
    defaultDays: 3650,
    maximumDays: 3650,
    renewAfterFraction: 1,
    // Another certificate of the very key.
    keyReuse: true,
    citation: "RFC 9810 §4.4; RFC 5280 §4.2.1.3, §4.2.1.9",
  },
  device: {
    ...endEntity,
    id: "device",
    subjectKind: "device",
    // RFC 8813 §3: keyEncipherment is for keys that can encipher, of ours RSA only.
    rsaKeyUsage: ["keyEncipherment"],
    // X.509-SVID §4.4: both purposes, since devices speak to one another.
    extendedKeyUsage: ["clientAuth", "serverAuth"],
    defaultDays: 90,
    maximumDays: 397,
    citation: "RFC 5280 §4.2; RFC 8813 §3; SPIFFE X.509-SVID §4; SP 800-57 Part 1 r5 §5.3.6",
  },
  quarantine: {
    ...endEntity,
    id: "quarantine",
    subjectKind: "device",
    rsaKeyUsage: ["keyEncipherment"],
    // A device that came back may call home; no peer takes it for a server.
    extendedKeyUsage: ["clientAuth"],
    defaultDays: 7,
    maximumDays: 30,
    // The expired certificate's own key signs the request: it is the proof that the device is the same.
    keyReuse: true,
    citation: "RFC 5280 §4.2; RFC 8813 §3; FDA premarket cybersecurity guidance (recovery)",
  },
  server: {
    ...endEntity,
    id: "server",
    subjectKind: "server",
    extendedKeyUsage: ["serverAuth"],
    defaultDays: 30,
    maximumDays: 90,
    citation: "RFC 5280 §4.2; RFC 9525; SP 800-57 Part 1 r5 §5.3.6",
  },
  operator: {
    ...endEntity,
    id: "operator",
    subjectKind: "operator",
    extendedKeyUsage: ["clientAuth"],
    defaultDays: 90,
    maximumDays: 90,
    citation: "RFC 5280 §4.2; 45 CFR 164.312(d); SP 800-57 Part 1 r5 §5.3.6",
  },
  claim: {
    ...endEntity,
    id: "claim",
    subjectKind: "claim",
    extendedKeyUsage: ["clientAuth"],
    // A production batch; its key is shared by a factory, so it lives short and its quota is counted.
    defaultDays: 7,
    maximumDays: 30,
    citation: "RFC 5280 §4.2; ETSI EN 303 645 5.4-4; SP 800-57 Part 1 r5 §5.3.6",
  },
  backend: {
    ...endEntity,
    id: "backend",
    subjectKind: "backend",
    // It calls this service and is called by nobody under this name; what it serves has a server certificate.
    extendedKeyUsage: ["clientAuth"],
    // Its key stands beside the data that it opens: it renews by itself, monthly.
    defaultDays: 30,
    maximumDays: 90,
    citation: "RFC 5280 §4.2; SPIFFE X.509-SVID §4; 45 CFR 164.312(d); SP 800-57 Part 1 r5 §5.3.6",
  },
  ocspResponder: {
    ...service,
    id: "ocspResponder",
    extendedKeyUsage: ["OCSPSigning"],
    ocspNoCheck: true,
    // Nobody asks for its status, so a short life stands in for revocation.
    defaultDays: 14,
    maximumDays: 30,
    renewAfterFraction: 0.5,
    citation: "RFC 6960 §4.2.2.2; SP 800-57 Part 1 r5 §5.3.6",
  },
  trustSigner: {
    ...service,
    id: "trustSigner",
    extendedKeyUsage: ["documentSigning"],
    // As long as a device that was off may rely on what the key signed.
    defaultDays: 1095,
    maximumDays: 1095,
    renewAfterFraction: 1 / 3,
    citation: "RFC 9336; SP 800-57 Part 1 r5 §5.3.6",
  },
};
