/** Spoiled certificates, by what is wrong with them. */
import { encodeSequence } from "../../core/formats/der/writer.ts";
import type { GeneralName } from "../../core/formats/general-name.ts";
import type { Name } from "../../core/formats/name.ts";
import * as x from "../../core/formats/x509/extensions/index.ts";
import {
  publicKey,
  type Subject,
  subject,
  withExtension,
  withFields,
  withIssuer,
  without,
} from "./subjects.ts";

export interface Case {
  readonly name: string;
  readonly subject: () => Subject;
}

export interface RuleCases {
  /** Each is found by this rule and by no other. */
  readonly bad: readonly Case[];
  readonly good?: readonly Case[];
}

export type Cases = Readonly<Record<string, RuleCases>>;

export const day = 86_400_000;
export const is = (text: string, make: () => Subject): Case => ({ name: text, subject: make });
export const device = (): Subject => subject("device");
export const server = (): Subject => subject("server");

export const sans = (base: Subject, ...names: GeneralName[]): Subject =>
  withExtension(base, x.subjectAltName, names);
export const dns = (value: string): GeneralName => ({ kind: "dNSName", value });
export const uri = (value: string): GeneralName => ({ kind: "uniformResourceIdentifier", value });
/** A server certificate without common name for one DNS name. */
export const named = (value: string): Subject =>
  anonymous(withExtension(server(), x.subjectAltName, [dns(value)], true));
export const anonymous = (base: Subject): Subject =>
  withFields(base, { subject: [], subjectRaw: encodeSequence() });
export const svid = (value: string): Subject => sans(device(), uri(value));

export const subjectNamed = (subjectName: Name): Subject => withFields(device(), { subject: subjectName });
export const attribute = (type: string, value: string, encoding = 0x0c): Name => [
  [{ type, value, encoding }],
];

export const usage = (base: Subject, ...bits: x.KeyUsageBit[]): Subject =>
  withExtension(base, x.keyUsage, new Set(bits), true);
export const purposes = (...oids: string[]): Subject => withExtension(device(), x.extendedKeyUsage, oids);
export const constraints = (base: Subject, value: x.BasicConstraints, critical = true): Subject =>
  withExtension(base, x.basicConstraints, value, critical);
export const serial = (...octets: number[]): Subject =>
  withFields(device(), { serialNumber: Uint8Array.from(octets) });
export const validity = (base: Subject, notBefore: number, notAfter: number): Subject =>
  withFields(base, { validity: { notBefore, notAfter } });
export const lasting = (base: Subject, milliseconds: number): Subject =>
  validity(base, base.tbs.validity.notBefore, base.tbs.validity.notBefore + milliseconds);
export const issuerWithout = (base: Subject, type: { readonly oid: string }): Subject =>
  withIssuer(base, (issuer) => ({
    ...issuer,
    extensions: issuer.extensions.filter(({ oid }) => oid !== type.oid),
  }));
export const withKey = (base: Subject, spki: Uint8Array): Subject =>
  without(withFields(base, { subjectPublicKeyInfo: spki }), x.subjectKeyIdentifier);
export const pointer = [{ fullName: [uri("http://crl.fleet.example/1.crl")] }];
export const responder = {
  accessMethod: x.accessMethods.ocsp,
  accessLocation: uri("http://ocsp.fleet.example"),
};

/** With another key and its identifier. */
export function rekeyed(base: Subject, kind: Parameters<typeof publicKey>[0]): Subject {
  const key = publicKey(kind);
  const changed = withFields(base, { subjectPublicKeyInfo: key.der });
  return withExtension(changed, x.subjectKeyIdentifier, key.keyIdentifier);
}

/** A device with an extension of these very octets. */
export function raw(type: { readonly oid: string }, value: Uint8Array, critical = false): Subject {
  const { extensions } = without(device(), type).tbs;
  return withFields(device(), { extensions: [...extensions, { oid: type.oid, critical, value }] });
}

/** Issued by an authority with these basicConstraints. */
export function underConstraints(base: Subject, value: x.BasicConstraints): Subject {
  const encoded = x.basicConstraints.encode(value);
  return withIssuer(base, (issuer) => ({
    ...issuer,
    extensions: issuer.extensions.map((each) =>
      each.oid === x.basicConstraints.oid ? { ...each, value: encoded } : each,
    ),
  }));
}
