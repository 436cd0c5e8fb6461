/**
 * Room: scripts. docs/access.md: the access matrix, from the very table that the door reads. The matrix test holds the
 * door to a statement of its own (`test/access/matrix/expectations.ts`).
 */
import {
  type CriticalOperation,
  type CriticalOperationId,
  criticalOperations,
  roleIds,
} from "../../core/standard/access.ts";
import { type Row, table } from "../../core/standard/markdown.ts";
import {
  criticalTable,
  limitTable,
  methodTable,
  periodTable,
  roleTable,
} from "../../core/standard/render-access.ts";
import { type Access, type CredentialKind, type Route, routes } from "../../lambdas/routes.ts";
import { credentialSection, refusalTable, stateTable } from "./credentials.ts";

const all = [...routes] as readonly Route[];

const columns = [
  "operator",
  "device",
  "enrollment",
  "backend",
  "pipeline",
  "iam",
  "invitation",
  "proof",
] as const satisfies readonly CredentialKind[];

const abbreviations = { owner: "O", securityOfficer: "S", provisioner: "P", auditor: "A" } as const;

function operatorCell({ roles = [], sessionOnly }: Access): string {
  const letters = roleIds.map((role) => (roles.includes(role) ? abbreviations[role] : "-")).join("");
  return sessionOnly === true ? `${letters} (session)` : letters;
}

function cell(access: Route["access"], kind: CredentialKind): string {
  if (access === "public") return "";
  if (!access.by.includes(kind)) return "";
  return kind === "operator" ? operatorCell(access) : "yes";
}

const people = ({ persons }: CriticalOperation): string => (persons === 1 ? "1 person" : `${persons} people`);

function criticalCell(access: Route["access"]): string {
  if (access === "public" || access.critical === undefined) return "";
  return `${access.critical}, ${people(criticalOperations[access.critical])}`;
}

function routeRow({ id, method, path, access }: Route): Row {
  return [
    `${method} ${path}`,
    id,
    access === "public" ? "yes" : "",
    ...columns.map((kind) => cell(access, kind)),
    criticalCell(access),
  ];
}

function routeTable(): string {
  const head = ["call", "operationId", "anyone", ...columns, "approval"];
  return table(head, all.map(routeRow));
}

function callsOf(id: CriticalOperationId): string {
  const calls = all.filter(({ access }) => access !== "public" && access.critical === id);
  return calls.map((route) => route.id).join(", ");
}

/** `docs/access.md`, whole. */
export function renderAccess(): string {
  return `${[
    "<!-- Generated from lambdas/routes.ts and core/standard by `npm run docs`; do not edit. -->",
    "# Access",
    "Deny by default: a call runs only with a credential that its row names. `test/access/matrix.test.ts` tries every row with every kind of credential, of the fleet itself and of another one, fresh, expired, revoked, of another key and replayed, against a statement of its own that is written by hand. What cannot be in one of these states is named there with the reason.",
    "## Roles of operators",
    roleTable(),
    "## Who may call what",
    "Operators by role: **O**wner, **S**ecurity officer, **P**rovisioner, **A**uditor; by certificate over mutual TLS, or by a session. Any one of the credentials in a row suffices. Of several in one request one is judged, and when it does not hold no other takes its place.",
    routeTable(),
    credentialSection(),
    "## How a device enrols",
    "A fleet's configuration says which of these it accepts.",
    methodTable(),
    "## Critical operations",
    "Each is called with the header `Fleetkey-Approval`: the id of an approval for that very call, parameters and body. Approvals are asked for, given, and spent in the transaction of the operation. Two people are two operators in office, the one who asked among them; while a fleet has nobody else who could approve, one does, and the audit log says `sole-operator`. What is planned has no call yet, and cannot come without its approval.",
    criticalTable(callsOf),
    "## How long a proof lasts",
    periodTable(),
    "## Limits of one identity",
    "Who had too much of what time gives back, as certificates in an hour, failed attempts and places for requests, is answered 429 with Retry-After.",
    limitTable(),
    "## What is refused, and how",
    refusalTable(),
    "## States of a device",
    stateTable(),
    "A suspension counts from the transaction that records it: an issuance under way asks for the device's standing in its own.",
  ].join("\n\n")}\n`;
}
