/** Rules about constraints on paths and pointers to services: for each, spoiled certificates that it alone finds, and odd ones that pass. */
import * as x from "../../../core/formats/x509/extensions/index.ts";
import { type Cases, device, dns, is, pointer, purposes, responder, uri } from "../spoiled.ts";
import { subject, withExtension } from "../subjects.ts";

export const pointersCases: Cases = {
  "issuer-alt-name-non-critical": {
    bad: [is("critical", () => withExtension(device(), x.issuerAltName, [dns("ca.example")], true))],
    good: [is("not critical", () => withExtension(device(), x.issuerAltName, [dns("ca.example")]))],
  },
  "name-constraints-critical": {
    bad: [
      is("not critical", () =>
        withExtension(subject("issuing"), x.nameConstraints, { permittedSubtrees: [dns("example")] }),
      ),
    ],
    good: [
      is("critical", () =>
        withExtension(subject("issuing"), x.nameConstraints, { permittedSubtrees: [dns("example")] }, true),
      ),
    ],
  },
  "name-constraints-ca-only": {
    bad: [
      is("a device", () =>
        withExtension(device(), x.nameConstraints, { permittedSubtrees: [dns("example")] }, true),
      ),
    ],
  },
  "certificate-policies-any-policy": {
    bad: [
      is("a device", () =>
        withExtension(device(), x.certificatePolicies, [{ policyIdentifier: "2.5.29.32.0" }]),
      ),
    ],
    good: [
      is("an authority", () =>
        withExtension(subject("issuing"), x.certificatePolicies, [{ policyIdentifier: "2.5.29.32.0" }]),
      ),
    ],
  },
  "authority-info-access-non-critical": {
    bad: [is("critical", () => withExtension(device(), x.authorityInfoAccess, [responder], true))],
  },
  "authority-info-access-http": {
    bad: [
      is("https", () =>
        withExtension(device(), x.authorityInfoAccess, [
          { accessMethod: x.accessMethods.caIssuers, accessLocation: uri("https://ca.example/ca.cer") },
        ]),
      ),
      is("no URI", () =>
        withExtension(device(), x.authorityInfoAccess, [
          { ...responder, accessLocation: dns("ocsp.example") },
        ]),
      ),
    ],
    good: [
      is("http", () => withExtension(device(), x.authorityInfoAccess, [responder])),
      is("a responder over https", () =>
        withExtension(device(), x.authorityInfoAccess, [
          { ...responder, accessLocation: uri("https://ocsp.example/ocsp") },
        ]),
      ),
    ],
  },
  "crl-distribution-points-non-critical": {
    bad: [is("critical", () => withExtension(device(), x.crlDistributionPoints, pointer, true))],
  },
  "crl-distribution-points-http": {
    bad: [
      is("ldap", () =>
        withExtension(device(), x.crlDistributionPoints, [{ fullName: [uri("ldap://a.example/cn=x")] }]),
      ),
    ],
    good: [
      is("http", () => withExtension(device(), x.crlDistributionPoints, pointer)),
      is("https", () =>
        withExtension(device(), x.crlDistributionPoints, [{ fullName: [uri("https://a.example/a.crl")] }]),
      ),
    ],
  },
  "no-rev-avail-non-critical": {
    bad: [is("critical", () => withExtension(device(), x.noRevAvail, true, true))],
  },
  "no-rev-avail-end-entity": {
    bad: [is("an authority", () => withExtension(subject("issuing"), x.noRevAvail, true))],
    good: [is("a device", () => withExtension(device(), x.noRevAvail, true))],
  },
  "no-rev-avail-exclusive": {
    bad: [
      is("beside a CRL", () =>
        withExtension(withExtension(device(), x.noRevAvail, true), x.crlDistributionPoints, pointer),
      ),
      is("beside a responder", () =>
        withExtension(withExtension(device(), x.noRevAvail, true), x.authorityInfoAccess, [responder]),
      ),
    ],
  },
  "ocsp-no-check-responder": {
    bad: [is("a device", () => withExtension(device(), x.ocspNoCheck, true))],
    good: [is("a responder", () => withExtension(purposes(x.keyPurposes.OCSPSigning), x.ocspNoCheck, true))],
  },
};
