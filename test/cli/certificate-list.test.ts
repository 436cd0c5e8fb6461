/** Which list is asked for, and what it must be before it is believed. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkList, placeOfList } from "../../cli/certificate-list.ts";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import {
  decodeCertificateList,
  encodeCertificateList,
  encodeTbsCertList,
  type TbsCertListTemplate,
} from "../../core/formats/crl/certificate-list.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { extension } from "../../core/formats/x509/extension.ts";
import { crlDistributionPoints } from "../../core/formats/x509/extensions/index.ts";
import { type FakeAuthority, makeFakeAuthority } from "./fake-authority.ts";

const authority = makeFakeAuthority();
const issuer = decodeCertificate(decodePem(authority.root, "CERTIFICATE")[0] ?? Buffer.alloc(0));
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const uri = (value: string) => ({ kind: "uniformResourceIdentifier", value }) as const;
const naming = (...urls: string[]) =>
  decodeCertificate(
    authority.certify("pump-1", privateKey, [
      extension(crlDistributionPoints, [{ fullName: urls.map(uri) }], false),
    ]),
  );

const url = "https://keys.example/v1/fleets/default/crl/issuing-1/2027-02-18.7d.crl";

describe("the place of a list", () => {
  it.each([url, url.replace("/v1", ""), url.replace("keys.example", "cdn.example:8443")])(
    "of %s is the path below the configured service",
    (named) => {
      expect(placeOfList(naming(named), "default")).toEqual({
        url: named,
        path: "/crl/issuing-1/2027-02-18.7d.crl",
      });
    },
  );

  it("is the first that is of the fleet", () => {
    expect(placeOfList(naming("http://other.example/a.crl", url), "default").url).toBe(url);
  });

  const elsewhere = [
    { name: "another fleet's list", named: url.replace("default", "clinic") },
    { name: "plain http", named: url.replace("https", "http") },
    { name: "an address of this machine's network", named: "https://169.254.169.254/latest/meta-data" },
    { name: "a way up", named: url.replace("issuing-1", "issuing-1/../../..") },
    { name: "a way up, encoded", named: url.replace("issuing-1", "%2e%2e") },
    { name: "a query", named: `${url}?x=1` },
    { name: "a longer path", named: url.replace("/v1", "/v1/v1") },
  ];
  it.each(elsewhere)("is refused for $name", ({ named }) => {
    expect(() => placeOfList(naming(named), "default")).toThrow(
      expect.objectContaining({ exit: "untrusted", code: "crl_elsewhere" }),
    );
  });

  it("is not there for a certificate that names none", () => {
    const bare = decodeCertificate(authority.certify("pump-1", privateKey, []));
    expect(() => placeOfList(bare, "default")).toThrow(
      expect.objectContaining({ exit: "refused", code: "crl_unnamed" }),
    );
  });
});

const now = Math.floor(Date.now() / 1000) * 1000;
const hour = 3_600_000;
const row = signatureAlgorithms["ecdsa-with-SHA256"];

function list(change: Partial<TbsCertListTemplate> = {}, by: FakeAuthority = authority) {
  const tbs = encodeTbsCertList({
    signature: row,
    issuer: issuer.tbs.subjectRaw,
    thisUpdate: now,
    nextUpdate: now + hour,
    revoked: [],
    authorityKeyIdentifier: Buffer.alloc(20, 1),
    number: 1,
    distributionPoint: [uri("https://old.example/x.crl"), uri(url)],
    ...change,
  });
  return decodeCertificateList(encodeCertificateList(tbs, row, by.sign(tbs)));
}

describe("a list", () => {
  const place = { url, path: "" };

  it("RFC 5280 §6.3.3(b)(2)(i): one of its names is the certificate's", async () => {
    await expect(checkList(list(), issuer, place, now)).resolves.toBeUndefined();
  });

  const refused = [
    { name: "of another signer", made: list({}, makeFakeAuthority()), code: "crl_foreign" },
    {
      name: "for other certificates",
      made: list({ distributionPoint: [uri(`${url}x`)] }),
      code: "crl_foreign",
    },
    {
      name: "that is over",
      made: list({ thisUpdate: now - 2 * hour, nextUpdate: now - hour }),
      code: "crl_expired",
    },
    {
      name: "of tomorrow",
      made: list({ thisUpdate: now + hour, nextUpdate: now + 2 * hour }),
      code: "crl_expired",
    },
  ];
  it.each(refused)("$name is refused", async ({ made, code }) => {
    await expect(checkList(made, issuer, place, now)).rejects.toMatchObject({ exit: "untrusted", code });
  });

  it("of another authority's name is refused", async () => {
    const leaf = naming(url);
    await expect(checkList(list(), leaf, place, now)).rejects.toMatchObject({ code: "crl_foreign" });
  });
});
