/**
 * Room: test/judges. The page for passkeys in a browser that we did not write, with its WebAuthn, its policies and its
 * TLS, against the service as one machine runs it. Two people, each at a browser of their own.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDeviceKey } from "../../cli/device-key.ts";
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
  await page.press("Enter");
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

/** Resolves with what the page then says, whatever that is. */
async function pressed(page: ChromiumPage, approvalId: string): Promise<string> {
  await page.click("#refresh");
  await status(page, "The list is of now.");
  await page.click(buttonOf(approvalId));
  await page.until(`!/of now|Working/.test(document.querySelector("#status").innerText)`);
  return page.text("#status");
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

const approved = "Approved. The operation may be executed.";
const halfApproved = "Your approval counts; 2 people are needed.";

/** Approved by both, on their pages. */
async function approvedByBoth(wanted: Wanted): Promise<string> {
  const approvalId = await ask(wanted);
  expect(await pressed(owner, approvalId)).toBe(halfApproved);
  expect(await pressed(officer, approvalId)).toBe(approved);
  return approvalId;
}

const refused = (status: number, code: string) => ({ status, body: { code } });

describe("a passkey in Chromium", () => {
  let invitation: string;

  it("is registered by the bootstrap's operator with its invitation, and signs in", async () => {
    const { status: created, body } = await service.operator.post(`${base}/passkey-invitations`, {});
    expect(created).toBe(201);
    invitation = String(body["url"]);
    expect(invitation).toMatch(new RegExp(`^${service.origin}/passkeys#`));
    await registerAndSignIn(owner, invitation, "operator-1");
    expect(await owner.text("#operator")).toBe("Signed in as operator-1 (owner).");
    expect(await owner.text("#waiting")).toContain("Nothing waits for approval.");
    // The invitation is used, and is gone from the address.
    expect(await owner.value("location.href")).toBe(`${service.origin}/passkeys`);
  });

  it("is not registered by an invitation that was used, and is nobody's then", async () => {
    const stranger = await chromium.newPage();
    await stranger.go(invitation);
    await stranger.click("#register");
    await status(stranger, "the invitation was used");
    await stranger.click("#sign-in");
    await status(stranger, "Passkey is not valid");
    expect(await stranger.text("#operator")).toBe("Nobody is signed in.");
    expect(stranger.refusals).toEqual([`409 ${base}/passkeys`, `401 ${base}/sessions`]);
    expect(stranger.complaints).toEqual([]);
  });
});

describe("an approval in Chromium", () => {
  it("shows the very operation, is given with a passkey and the keyboard alone, and lets it run", async () => {
    const wanted = invitationOf("operator-2");
    const approvalId = await ask(wanted);
    expect(await execute(wanted, approvalId)).toMatchObject(refused(403, "approval_incomplete"));
    const { url, operationDigest } = await approvalOf(approvalId);
    // By its link, in the page where the owner is signed in: the operation is there, and has the focus.
    await owner.go(String(url));
    const shown = `operation-${approvalId}`;
    await owner.until(`document.activeElement.id === "${shown}"`);
    const { operation, body } = wanted;
    expect(JSON.parse(await owner.text(`#${shown}`))).toEqual({ operation, parameters: {}, body });
    expect(await owner.text("#waiting")).toContain(operationDigest);
    await owner.press("Tab");
    expect(await owner.value("document.activeElement.dataset.approval")).toBe(approvalId);
    await owner.press("Enter");
    // One person is all that there is yet.
    await status(owner, approved);
    expect(await owner.value("document.activeElement.id")).toBe(shown);
    const executed = await execute(wanted, approvalId);
    expect(executed.status).toBe(201);
    await registerAndSignIn(officer, executed.body["url"], "operator-2");
    expect(await officer.text("#operator")).toBe("Signed in as operator-2 (securityOfficer).");
    await officer.press("Enter");
    await status(officer, "The list is of now.");
    await officer.until('document.activeElement.id === "refresh"');
  });

  it("and the second operator has its own key certified for the command line, in its session", async () => {
    const { privateKey, csr } = await makeDeviceKey("operator-2", "P-256");
    await officer.value(`document.getElementById("csr").value = ${JSON.stringify(csr)}`);
    await officer.click("#certify");
    await status(officer, "Save this beside the key as operator.pem.");
    const pem = String(await officer.value('document.getElementById("certificate").textContent'));
    const client = service.clientOf(pem, privateKey);
    expect(await client.get(`${base}/certificates`)).toMatchObject({ status: 200 });
    // One factor, and not an owner's: it certifies nobody, and names no operator.
    expect(await client.post(`${base}/operator-certificates`, { csr })).toMatchObject(
      refused(401, "session_invalid"),
    );
    expect(await client.post(`${base}/operators`, {})).toMatchObject(refused(403, "role_not_permitted"));
  });

  it("takes two people from then on: one who approves twice is one", async () => {
    const wanted = invitationOf("operator-3");
    const approvalId = await ask(wanted);
    expect(await pressed(owner, approvalId)).toBe(halfApproved);
    expect(await execute(wanted, approvalId)).toMatchObject(refused(403, "approval_incomplete"));
    // The second is the same again, or after half a minute a newer one in its place.
    expect(await pressed(owner, approvalId)).toMatch(/^(Approval needs another person|Your approval counts)/);
    expect(await approvalOf(approvalId)).toMatchObject({ state: "requested", approvedBy: ["operator-1"] });
    expect(await execute(wanted, approvalId)).toMatchObject(refused(403, "approval_incomplete"));
    expect(await pressed(officer, approvalId)).toBe(approved);
    expect(await approvalOf(approvalId)).toMatchObject({ approvedBy: ["operator-1", "operator-2"] });
    expect((await execute(wanted, approvalId)).status).toBe(201);
    expect(await execute(wanted, approvalId)).toMatchObject(refused(409, "approval_spent"));
    await owner.click("#refresh");
    await owner.until(`document.querySelector('${buttonOf(approvalId)}') === null`);
  });

  it("is for one operation: a body with one other character is another", async () => {
    const wanted = invitationOf("operator-4");
    const approvalId = await approvedByBoth(wanted);
    for (const other of [invitationOf("operator-5"), changeOf(["securityOfficer"])])
      expect(await execute(other, approvalId)).toMatchObject(refused(403, "approval_mismatch"));
    expect((await execute(wanted, approvalId)).status).toBe(201);
  });

  it("counts for five minutes from the passkey's answer", async () => {
    const wanted = changeOf(["securityOfficer", "auditor"]);
    const approvalId = await approvedByBoth(wanted);
    const late = await ask(wanted);
    await pressed(owner, late);
    service.putForward(6 * 60_000);
    expect(await execute(wanted, approvalId, service.later)).toMatchObject(refused(403, "approval_stale"));
    const again = await service.later.post(`${base}/approvals/${late}/assertions`, assertionOf(owner, late));
    expect(again).toMatchObject(refused(403, "approval_stale"));
    service.putForward(4 * 60_000);
    expect((await execute(wanted, approvalId, service.later)).status).toBe(200);
  });
});

describe("attacks with what Chromium has signed", () => {
  it("WebAuthn Level 3 §7.2: it is signed for this page and this operation, and is worth nothing for another", async () => {
    const [one, other] = [await ask(invitationOf("operator-6")), await ask(invitationOf("operator-7"))];
    expect(await pressed(owner, one)).toBe(halfApproved);
    const assertion = assertionOf(owner, one);
    expect(clientData(assertion)).toMatchObject({
      type: "webauthn.get",
      origin: service.origin,
      crossOrigin: false,
    });
    const send = (approvalId: string) =>
      service.operator.post(`${base}/approvals/${approvalId}/assertions`, assertion);
    expect(await send(one)).toMatchObject(refused(409, "approval_repeated"));
    expect(await send(other)).toMatchObject(refused(401, "passkey_invalid"));
    expect(await approvalOf(other)).toMatchObject({ state: "requested", approvedBy: [] });
    expect(await pressed(officer, one)).toBe(approved);
    expect((await execute(invitationOf("operator-6"), one)).status).toBe(201);
    expect(await send(one)).toMatchObject(refused(409, "approval_spent"));
  });

  it("one person's answer is not another's in that one's session, nor its own for another operation", async () => {
    const [approvalId, other] = [
      await ask(invitationOf("operator-8")),
      await ask(invitationOf("operator-9")),
    ];
    const path = `/approvals/${approvalId}/assertions`;
    // Stolen on its way: the service has not seen it, so that nothing else is wrong with it.
    await owner.replaceBody(path, "{}");
    expect(await pressed(owner, approvalId)).toMatch(/either credential or idToken/);
    const stolen = assertionOf(owner, approvalId);
    await officer.replaceBody(path, JSON.stringify(stolen));
    expect(await pressed(officer, approvalId)).toMatch(/^Passkey is not valid/);
    const elsewhere = await service.operator.post(`${base}/approvals/${other}/assertions`, stolen);
    expect(elsewhere).toMatchObject(refused(401, "passkey_invalid"));
    for (const each of [approvalId, other])
      expect(await approvalOf(each)).toMatchObject({ state: "requested", approvedBy: [] });
    expect((await service.operator.post(`${base}${path}`, stolen)).status).toBe(200);
    expect(await approvalOf(approvalId)).toMatchObject({ state: "requested", approvedBy: ["operator-1"] });
    expect(await pressed(officer, approvalId)).toBe(approved);
  });

  it("an operation that would write markup or turn the text is shown character by character", async () => {
    // A member that takes any text: whether it is a certificate, only the operation itself finds out.
    const certificate = '<img src=x onerror="document.title=1">\u202e\u0430uditor';
    const manufacturers = [{ id: "maker", certificate, identifier: "serialNumber" }];
    const body = { accepts: ["token"], manufacturers };
    const approvalId = await ask({ operation: "configureFleet", path: "", parameters: {}, body });
    await owner.click("#refresh");
    await owner.until(`document.querySelector("#operation-${approvalId}")`);
    const text = await owner.text(`#operation-${approvalId}`);
    expect(text).toContain("<img src=x onerror=");
    expect(text).toContain("\\u202e\\u0430uditor");
    expect(text).toMatch(/^[\n\x20-\x7e]+$/);
    expect(await owner.value("document.images.length")).toBe(0);
  });

  it("what people decide about keys stands there in words, whatever the document says", async () => {
    const key = (operation: string, body: Wanted["body"], parameters = {}): Wanted => ({
      ...{ operation, path: "", parameters, body },
    });
    const rollover = { rolloverId: "0".repeat(32) };
    const cases: readonly (readonly [Wanted, readonly string[]])[] = [
      [
        key("planRollover", { kind: "root", emergency: true }),
        [`Authority to replace: "root"`, "Emergency, so that no gate is waited for: true"],
      ],
      [
        key("planRollover", { kind: "root" }),
        [`Authority to replace: "root"`, "no gate is waited for: null"],
      ],
      [
        key("destroyAuthorityKey", { authorityId: "issuing-1" }, rollover),
        [`Authority whose key is destroyed: "issuing-1"`],
      ],
      [key("openCeremony", { purpose: "rootList" }), [`What root keys are lent for: "rootList"`]],
    ];
    for (const [wanted, lines] of cases) {
      const approvalId = await ask(wanted);
      await owner.click("#refresh");
      await owner.until(`document.querySelector("#operation-${approvalId}")`);
      const item = `document.querySelector("#operation-${approvalId}").parentElement.innerText`;
      for (const line of lines) expect(await owner.value(item)).toContain(line);
    }
  });

  it("SP 800-63B §2.2: a passkey whose person was not recognised signs nobody in", async () => {
    await officer.click("#sign-out");
    await status(officer, "Signed out.");
    await officer.setUserVerified(false);
    const sent = () => officer.requests.filter(({ url }) => url.endsWith("/sessions")).length;
    const before = sent();
    await officer.click("#sign-in");
    await officer.until(`/not allowed/.test(document.querySelector("#status").innerText)`);
    expect(sent()).toBe(before);
    // Now a page that does not insist, so that the passkey answers: the service does insist.
    await officer.value(`(() => {
      const container = navigator.credentials;
      const get = container.get;
      container.get = ({ publicKey }) => {
        delete container.get;
        return get.call(container, { publicKey: { ...publicKey, userVerification: "discouraged" } });
      };
    })()`);
    await officer.click("#sign-in");
    await status(officer, "Passkey is not valid");
    expect(sent()).toBe(before + 1);
    expect(await officer.text("#operator")).toBe("Nobody is signed in.");
    await officer.setUserVerified(true);
    await officer.click("#sign-in");
    await status(officer, "Signed in as operator-2.");
  });
});

describe("the page in Chromium", () => {
  it("WCAG 2.2 §1.4.10: fits 320 CSS pixels, with an operation in it", async () => {
    await owner.send("Emulation.setDeviceMetricsOverride", {
      width: 320,
      height: 640,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await owner.until("innerWidth === 320");
    expect(await owner.text("#approvals")).toContain("Approve with a passkey");
    // With its scroll bar, which takes some of them.
    expect(await owner.value("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
    await owner.send("Emulation.clearDeviceMetricsOverride");
  });

  it("gave the browser nothing to complain of", () => {
    expect([...owner.complaints, ...officer.complaints]).toEqual([]);
    const { refusals } = officer;
    expect(refusals.filter((refusal) => !/^401 .*\/(assertions|sessions)$/.test(refusal))).toEqual([]);
    expect(owner.refusals.filter((refusal) => !/^40[09] .*\/assertions$/.test(refusal))).toEqual([]);
  });

  it("CSP Level 3: runs no script and takes no style that is not its own, and speaks to nobody else", async () => {
    const page = await chromium.newPage();
    await page.go(`${service.origin}/passkeys`);
    expect(page.complaints).toEqual([]);
    await page.value(`(() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'run'";
      document.body.append(script);
      document.body.setAttribute("onclick", "document.title = 'run'");
      document.body.click();
    })()`);
    expect(await page.value("document.title")).toBe("Passkeys - Fleetkey");
    const elsewhere = `fetch("https://localhost:1/").then(() => "sent", ({ message }) => message)`;
    expect(await page.value(elsewhere)).toContain("Failed to fetch");
    expect(page.complaints.filter((each) => each.startsWith("error of security"))).toHaveLength(3);
  });
});
