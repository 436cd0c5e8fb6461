/**
 * Room: test/judges. The page for passkeys in a browser that we did not write, with its WebAuthn, its policies and its
 * TLS, against the service as one machine runs it. Two people, each at a browser of their own.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Chromium, shownCertificate, startChromium } from "./support/chromium.ts";
import type { ChromiumPage } from "./support/chromium-page.ts";
import { type Answered, type Service, startService } from "./support/chromium-service.ts";

let service: Service;
let chromium: Chromium;
let owner: ChromiumPage;
let officer: ChromiumPage;
let base: string;

beforeAll(async () => {
  service = await startService();
  base = `/v1/fleets/${service.fleet}`;
  chromium = await startChromium(await shownCertificate(service.port));
  [owner, officer] = [await chromium.newPage(), await chromium.newPage()];
});
afterAll(async () => {
  await chromium?.close();
  await service?.close();
});

const status = (page: ChromiumPage, text: string) =>
  page.until(`document.querySelector("#status").innerText.includes(${JSON.stringify(text)})`);

async function registerAndSignIn(page: ChromiumPage, invitation: unknown, operatorId: string): Promise<void> {
  await page.go(String(invitation));
  await page.click("#register");
  await status(page, "The passkey is registered.");
  // Whoever works with the keyboard goes on where the page left the focus.
  expect(await page.value("document.activeElement.id")).toBe("sign-in");
  await page.pressEnter();
  await status(page, `Signed in as ${operatorId}.`);
}

interface Wanted {
  readonly operation: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const invitationOf = (operatorId: string): Wanted => ({
  operation: "inviteOperator",
  path: `${base}/operators`,
  body: { operatorId, roles: ["securityOfficer"] },
});

const changeOf = (roles: readonly string[]): Wanted => ({
  operation: "changeOperator",
  path: `${base}/operators/operator-2`,
  parameters: { operatorId: "operator-2" },
  body: { roles },
});

/** Asked for with the bootstrap's certificate. */
async function ask({ path: _path, ...operation }: Wanted): Promise<string> {
  const { status, body } = await service.operator.post(`${base}/approvals`, operation);
  expect(status, JSON.stringify(body)).toBe(201);
  return String(body["approvalId"]);
}

const execute = (wanted: Wanted, approvalId: string, client = service.operator): Promise<Answered> =>
  client.post(wanted.path, wanted.body, { "fleetkey-approval": approvalId });

const approvalOf = async (approvalId: string) =>
  (await service.operator.get(`${base}/approvals/${approvalId}`)).body;

const buttonOf = (approvalId: string) => `[data-approval="${approvalId}"]`;

async function press(page: ChromiumPage, approvalId: string): Promise<void> {
  await page.click("#refresh");
  await status(page, "The list is of now.");
  await page.click(buttonOf(approvalId));
}

async function approve(page: ChromiumPage, approvalId: string): Promise<void> {
  await press(page, approvalId);
  await page.until(`/^(Approved\\.|Your approval counts)/.test(document.querySelector("#status").innerText)`);
}

/** What the page sent to approve it. */
function assertionOf(page: ChromiumPage, approvalId: string): Record<string, unknown> {
  const sent = page.requests.find(({ url }) => url.endsWith(`/approvals/${approvalId}/assertions`));
  return JSON.parse(sent?.body ?? "null") as Record<string, unknown>;
}

/** What the passkey signed. */
function clientData(assertion: Record<string, unknown>): Record<string, unknown> {
  const { response } = assertion["credential"] as { response: { clientDataJSON: string } };
  return JSON.parse(Buffer.from(response.clientDataJSON, "base64url").toString()) as Record<string, unknown>;
}

describe("the page for passkeys in Chromium", () => {
  const ofTheOwner: Record<string, unknown> = {};

  it("the bootstrap's operator registers a passkey by its invitation and signs in", async () => {
    const { status: created, body } = await service.operator.post(`${base}/passkey-invitations`, {});
    expect(created).toBe(201);
    expect(String(body["url"])).toMatch(new RegExp(`^${service.origin}/passkeys#`));
    await registerAndSignIn(owner, body["url"], "operator-1");
    expect(await owner.text("#operator")).toBe("Signed in as operator-1 (owner).");
    // The invitation is used, and is gone from the address.
    expect(await owner.value("location.href")).toBe(`${service.origin}/passkeys`);
    expect(await owner.text("#waiting")).toContain("Nothing waits for approval.");
  });

  it("an operation that is asked for elsewhere can be read, approved, and executed", async () => {
    const wanted = invitationOf("operator-2");
    const approvalId = await ask(wanted);
    expect(await execute(wanted, approvalId)).toMatchObject({
      status: 403,
      body: { code: "approval_incomplete" },
    });
    await owner.click("#refresh");
    await status(owner, "The list is of now.");
    const { operation, body } = wanted;
    const text = await owner.text(`#operation-${approvalId}`);
    expect(JSON.parse(text)).toEqual({ operation, parameters: {}, body });
    expect(await owner.text("#waiting")).toContain((await approvalOf(approvalId))["operationDigest"]);
    await approve(owner, approvalId);
    expect(await owner.text("#status")).toBe("Approved. The operation may be executed.");
    const executed = await execute(wanted, approvalId);
    expect(executed.status).toBe(201);
    await registerAndSignIn(officer, executed.body["url"], "operator-2");
    expect(await officer.text("#operator")).toBe("Signed in as operator-2 (securityOfficer).");
  });
});
