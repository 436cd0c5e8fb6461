/** Room: infra. The names under which a stage is reached, once it has domains of its own. */
import type { ArtifactDistributionProps } from "../constructs/artifact-distribution.ts";
import type { ClientDomain, ClientDomainsProps } from "../constructs/client-domains.ts";
import { type Place, readNumber, readTable, readText } from "./members.ts";

export interface DomainsConfiguration {
  /** Clients show a certificate here. */
  readonly mutualTls: ClientDomain;
  /** Nobody shows a certificate here. */
  readonly public: ClientDomain;
  /** Route 53 zone that receives the records. @default - none: the outputs say what each name must point to */
  readonly hostedZone?: NonNullable<ClientDomainsProps["hostedZone"]>;
}

/** CloudFront before the public artefacts; needs `account` and `region`, its own stack stands in us-east-1. */
export type ArtifactsConfiguration = Pick<
  ArtifactDistributionProps,
  "domainName" | "certificateArn" | "requestsPerAddress"
>;

const domainName = {
  pattern: /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  limit: "a DNS name in lower case, such as devices.example.org",
};
const certificateArn = {
  pattern: /^arn:aws(?:-[a-z]+)*:acm:[a-z0-9-]+:[0-9]{12}:certificate\/[0-9a-f-]{36}$/,
  limit: "the ARN of an ACM certificate in the region of the API",
};
const globalCertificateArn = {
  pattern: /^arn:aws(?:-[a-z]+)*:acm:us-east-1:[0-9]{12}:certificate\/[0-9a-f-]{36}$/,
  limit: "the ARN of an ACM certificate in us-east-1 (CloudFront takes no other)",
};
const zoneId = {
  pattern: /^Z[A-Z0-9]{1,31}$/,
  limit: "the id of a Route 53 hosted zone, such as Z0123456789ABC",
};
const none = { otherwise: "none" };

function readDomain(place: Place, path: string, value: unknown): ClientDomain {
  const members = readTable(place, path, value, ["name", "certificateArn", "ownershipCertificateArn"]);
  const ownership = readText(
    place,
    `${path}.ownershipCertificateArn`,
    members["ownershipCertificateArn"],
    certificateArn,
    none,
  );
  return {
    name: readText(place, `${path}.name`, members["name"], domainName, "required") ?? "",
    certificateArn:
      readText(place, `${path}.certificateArn`, members["certificateArn"], certificateArn, "required") ?? "",
    ...(ownership && { ownershipCertificateArn: ownership }),
  };
}

function readZone(place: Place, value: unknown): { readonly id: string; readonly name: string } {
  const path = "domains.hostedZone";
  const members = readTable(place, path, value, ["id", "name"]);
  return {
    id: readText(place, `${path}.id`, members["id"], zoneId, "required") ?? "",
    name: readText(place, `${path}.name`, members["name"], domainName, "required") ?? "",
  };
}

/** Two names in one zone when there is one; `undefined` without a value. */
export function readDomains(place: Place, value: unknown): DomainsConfiguration | undefined {
  if (value === undefined) return undefined;
  const members = readTable(place, "domains", value, ["mutualTls", "public", "hostedZone"]);
  const zone = members["hostedZone"] === undefined ? undefined : readZone(place, members["hostedZone"]);
  const domains = {
    mutualTls: readDomain(place, "domains.mutualTls", members["mutualTls"]),
    public: readDomain(place, "domains.public", members["public"]),
    ...(zone && { hostedZone: zone }),
  };
  assertNames(place, domains);
  return domains;
}

function assertNames(place: Place, domains: DomainsConfiguration): void {
  const names = [domains.mutualTls.name, domains.public.name];
  if (names[0] === names[1] && names[0] !== "")
    place.problems.push(
      `domains.public.name "${names[0]}" is the name of domains.mutualTls too: API Gateway asks for certificates under ` +
        `all of a name or nowhere; give each its own in ${place.name}`,
    );
  const zone = domains.hostedZone?.name;
  if (zone === undefined || zone === "") return;
  for (const name of names.filter((one) => one !== "" && one !== zone && !one.endsWith(`.${zone}`)))
    place.problems.push(
      `domains: the name "${name}" is not in the hosted zone "${zone}"; change one of them, or remove hostedZone and ` +
        `make the records elsewhere, in ${place.name}`,
    );
}

/** `undefined` without a value. */
export function readArtifacts(place: Place, value: unknown): ArtifactsConfiguration | undefined {
  if (value === undefined) return undefined;
  const members = readTable(place, "artifacts", value, [
    "domainName",
    "certificateArn",
    "requestsPerAddress",
  ]);
  const requests = readNumber(
    place,
    "artifacts.requestsPerAddress",
    members["requestsPerAddress"],
    { minimum: 100, maximum: 2_000_000, reason: "AWS WAF counts so many in five minutes" },
    { otherwise: "2000" },
  );
  const text = (member: string, shape: typeof domainName): string =>
    readText(place, `artifacts.${member}`, members[member], shape, "required") ?? "";
  return {
    domainName: text("domainName", domainName),
    certificateArn: text("certificateArn", globalCertificateArn),
    ...(requests !== undefined && { requestsPerAddress: requests }),
  };
}
