/** Rules about subject and subjectAltName: for each, spoiled certificates that it alone finds, and odd ones that pass. */
import { name } from "../../../core/formats/name.ts";
import * as x from "../../../core/formats/x509/extensions/index.ts";
import {
  anonymous,
  attribute,
  type Cases,
  device,
  dns,
  is,
  named,
  sans,
  server,
  subjectNamed,
  svid,
  uri,
} from "../spoiled.ts";
import { flipped, without } from "../subjects.ts";

export const subjectNamesCases: Cases = {
  "subject-attribute-encoding": {
    bad: [
      is("TeletexString", () => subjectNamed(attribute("2.5.4.3", "pump-7", 0x14))),
      is("UTF8String for a country", () => subjectNamed(attribute("2.5.4.6", "CH"))),
    ],
  },
  "subject-attribute-single": {
    bad: [is("two common names", () => subjectNamed([...device().tbs.subject, ...device().tbs.subject]))],
  },
  "subject-attribute-personal-data": {
    bad: [
      is("surname", () => subjectNamed(attribute("2.5.4.4", "x"))),
      is("emailAddress", () => subjectNamed(attribute("1.2.840.113549.1.9.1", "a@b.example", 0x16))),
      is("a type of someone's own", () => subjectNamed(attribute("1.3.6.1.4.1.1", "x"))),
    ],
    good: [
      is("organizationName", () =>
        subjectNamed([...name([["organizationName", "Acme"]]), ...device().tbs.subject]),
      ),
    ],
  },
  "common-name-length": {
    bad: [is("65 characters", () => subjectNamed(attribute("2.5.4.3", "x".repeat(65))))],
    good: [
      is("64 characters beyond the basic plane", () => subjectNamed(attribute("2.5.4.3", "𝒳".repeat(64)))),
    ],
  },
  "country-name-code": {
    bad: [
      is("lower case", () => subjectNamed(attribute("2.5.4.6", "ch", 0x13))),
      is("three letters", () => subjectNamed(attribute("2.5.4.6", "CHE", 0x13))),
    ],
    good: [is("two capitals", () => subjectNamed(attribute("2.5.4.6", "CH", 0x13)))],
  },
  "server-common-name-in-san": {
    bad: [is("another host", () => sans(server(), dns("other.fleet.example")))],
    good: [is("in another case", () => sans(server(), dns("API.fleet.example")))],
  },
  "san-present": { bad: [is("absent", () => without(device(), x.subjectAltName))] },
  "san-critical-if-subject-empty": {
    bad: [
      is("empty subject, not critical", () => anonymous(device())),
      is("given subject, critical", () => flipped(device(), x.subjectAltName)),
    ],
    good: [is("empty subject, critical", () => anonymous(flipped(device(), x.subjectAltName)))],
  },
  "san-single": {
    bad: [is("in another case", () => sans(server(), dns("api.fleet.example"), dns("API.Fleet.example")))],
  },
  "san-uri-absolute": {
    bad: [
      is("without host", () => sans(server(), dns("api.fleet.example"), uri("https:///path"))),
      is("port only", () => sans(server(), dns("api.fleet.example"), uri("https://:443/"))),
    ],
    good: [is("without authority", () => sans(server(), dns("api.fleet.example"), uri("urn:example:a")))],
  },
  "san-dns-syntax": {
    bad: [
      is("underscore", () => named("a_b.example")),
      is("label ends in a hyphen", () => named("a-.example")),
      is("empty label", () => named("a..example")),
      is("label of 64 octets", () => named(`${"a".repeat(64)}.example`)),
    ],
    good: [is("one label", () => named("localhost")), is("A-label", () => named("xn--bcher-kva.example"))],
  },
  "san-dns-reserved-label": { bad: [is("ab--c", () => named("ab--c.example"))] },
  "san-dns-wildcard": { bad: [is("*.example.com", () => named("*.example.com"))] },
  "san-personal-data": {
    bad: [
      is("rfc822Name", () =>
        sans(server(), dns("api.fleet.example"), { kind: "rfc822Name", value: "a@b.example" }),
      ),
      is("directoryName", () =>
        sans(server(), dns("api.fleet.example"), {
          kind: "directoryName",
          value: name([["commonName", "a"]]),
        }),
      ),
    ],
  },
  "san-spiffe-id": {
    bad: [
      is("none", () => sans(device(), dns("pump.example"))),
      is("two", () => sans(device(), uri("spiffe://a/b"), uri("spiffe://a/c"))),
      is("https", () => svid("https://fleet.example/device/1")),
      is("no path", () => svid("spiffe://fleet.example")),
      is("trailing slash", () => svid("spiffe://fleet.example/device/")),
      is("relative segment", () => svid("spiffe://fleet.example/../device")),
      is("port", () => svid("spiffe://fleet.example:443/device")),
      is("query", () => svid("spiffe://fleet.example/device?x=1")),
      is("capitals in the trust domain", () => svid("spiffe://Fleet.example/device")),
      is("percent-encoding", () => svid("spiffe://fleet.example/d%65vice")),
    ],
    good: [is("beside a DNS name", () => sans(device(), uri("spiffe://fleet.example/a"), dns("a.example")))],
  },
};
