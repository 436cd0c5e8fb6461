/**
 * Room: lambdas/access. The script of the page for passkeys, as text: a function reads no files. It runs in browsers,
 * without a library, and does all that it does through this API. Whatever comes from the API is shown as text.
 */
import { pageDecisions } from "./page-decisions.ts";

export const pageScript = `"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const fleetInput = element("fleet");
  const registerButton = element("register");
  const signInButton = element("sign-in");
  const signOutButton = element("sign-out");
  const refreshButton = element("refresh");
  const certifyButton = element("certify");
  const certificateText = element("certificate");
  const operatorText = element("operator");
  const approvalsSection = element("waiting");
  const approvalList = element("approvals");

  let invitation;
  let session;
  let wanted;

  const utf8 = (text) => new TextEncoder().encode(text);
  const base64url = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const encoded = (value) => base64url(utf8(JSON.stringify(value)));

  const say = (text) => {
    element("status").textContent = text;
  };

  const readFragment = () => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const fleet = fragment.get("fleet");
    if (fleet && fleet !== fleetInput.value.trim()) {
      fleetInput.value = fleet;
      // It is another fleet's.
      session = undefined;
    }
    wanted = fragment.get("approval");
    const secret = fragment.get("invitation");
    if (secret) invitation = { secret, operator: fragment.get("operator") || "" };
    show();
  };

  const readers = ["owner", "securityOfficer", "auditor"];
  const readsApprovals = () => session !== undefined && session.roles.some((role) => readers.includes(role));

  const show = () => {
    registerButton.hidden = invitation === undefined;
    registerButton.textContent = "Register a passkey" + (invitation?.operator ? " for " + invitation.operator : "");
    signInButton.hidden = session !== undefined;
    signOutButton.hidden = session === undefined;
    approvalsSection.hidden = !readsApprovals();
    element("command-line").hidden = session === undefined;
    fleetInput.disabled = session !== undefined;
    operatorText.textContent =
      session === undefined
        ? "Nobody is signed in."
        : "Signed in as " + session.operatorId + " (" + session.roles.join(", ") + ").";
    if (session !== undefined) return;
    approvalList.replaceChildren();
    certificateText.textContent = "";
    certificateText.hidden = true;
  };

  // RFC 9449 section 4.2: a proof is for one request, and made with a key that never leaves this page.
  const prove = async (keys, method, path, token) => {
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
    const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
    const claims = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: location.origin + path,
      iat: Math.floor(Date.now() / 1000),
    };
    if (token !== undefined) claims.ath = base64url(await crypto.subtle.digest("SHA-256", utf8(token)));
    const input = encoded(header) + "." + encoded(claims);
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    return input + "." + base64url(await crypto.subtle.sign(algorithm, keys.privateKey, utf8(input)));
  };

  const fleetPath = (rest) => {
    const fleet = fleetInput.value.trim();
    if (fleet === "") {
      fleetInput.focus();
      throw new Error("Name the fleet first.");
    }
    return "/v1/fleets/" + encodeURIComponent(fleet) + rest;
  };

  const send = async (method, path, headers, body) => {
    const all = { accept: "application/json", ...headers };
    if (body !== undefined) all["content-type"] = "application/json";
    const response = await fetch(path, {
      method,
      headers: all,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    if (answer.code === "session_invalid" || answer.code === "operator_not_active") {
      session = undefined;
      show();
    }
    throw new Error((answer.title || "Refused") + ": " + (answer.detail || "status " + response.status));
  };

  const sendInSession = async (method, path, body) => {
    if (session === undefined) throw new Error("Sign in first.");
    const { token, keys } = session;
    const dpop = await prove(keys, method, path, token);
    return send(method, path, { authorization: "DPoP " + token, dpop }, body);
  };

  const site = (answer) => {
    if (answer.relyingPartyId) return answer.relyingPartyId;
    throw new Error("This fleet has no page for passkeys; its deployment names the origin.");
  };

  const register = async () => {
    const { secret, operator } = invitation;
    if (operator === "") throw new Error("The address is not whole; open the invitation as it was given.");
    const answer = await send("POST", fleetPath("/challenges"), {}, {});
    const credential = await navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON({
        rp: { id: site(answer), name: "Fleetkey" },
        user: { id: base64url(utf8(operator)), name: operator, displayName: operator },
        challenge: answer.challenge,
        pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        attestation: "none",
        excludeCredentials: [],
      }),
    });
    const body = { challenge: answer.challenge, credential: credential.toJSON() };
    await send("POST", fleetPath("/passkeys"), { authorization: "Bearer " + secret }, body);
    invitation = undefined;
    history.replaceState(null, "", location.pathname);
    show();
    signInButton.focus();
    say("The passkey is registered. Sign in with it.");
  };

  const assertion = async (answer) => {
    const credential = await navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON({
        challenge: answer.challenge,
        rpId: site(answer),
        userVerification: "required",
        allowCredentials: [],
      }),
    });
    return credential.toJSON();
  };

  const signIn = async () => {
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const answer = await send("POST", fleetPath("/challenges"), {}, {});
    const body = { challenge: answer.challenge, credential: await assertion(answer) };
    const path = fleetPath("/sessions");
    const dpop = await prove(keys, "POST", path);
    session = { ...(await send("POST", path, { dpop }, body)), keys };
    show();
    if (readsApprovals()) await refresh();
    (operationOf(wanted) || (readsApprovals() ? refreshButton : signOutButton)).focus();
    say("Signed in as " + session.operatorId + ".");
  };

  const signOut = async () => {
    await sendInSession("DELETE", fleetPath("/sessions/current"));
    session = undefined;
    show();
    signInButton.focus();
    say("Signed out.");
  };

  const certify = async () => {
    const csr = element("csr").value.trim();
    if (csr === "") throw new Error("Paste the request first.");
    const { certificate, chain } = await sendInSession("POST", fleetPath("/operator-certificates"), { csr });
    certificateText.textContent = certificate + chain;
    certificateText.hidden = false;
    certificateText.focus();
    say("Save this beside the key as operator.pem.");
  };

  // Nothing invisible, nothing that turns the direction of text: what is approved can be read, character by character.
  const visible = (value) =>
    JSON.stringify(value, null, 2).replace(
      /[^\\n\\x20-\\x7e]/g,
      (unit) => "\\\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
    );

  const operationOf = (approvalId) => element("operation-" + approvalId);

  const added = (parent, name, text) => {
    const child = document.createElement(name);
    if (text !== undefined) child.textContent = text;
    parent.append(child);
    return child;
  };

  const approve = async (shown) => {
    const path = fleetPath("/approvals/" + shown.approvalId);
    // The challenge is of now; the operation must be the one that was read.
    const fresh = await sendInSession("GET", path);
    if (fresh.operationDigest !== shown.operationDigest) throw new Error("The operation is another one now.");
    const body = { credential: await assertion(fresh) };
    const answer = await sendInSession("POST", path + "/assertions", body);
    await refresh();
    (operationOf(shown.approvalId) || refreshButton).focus();
    say(
      answer.state === "approved"
        ? "Approved. The operation may be executed."
        : "Your approval counts; " + answer.persons + " people are needed.",
    );
  };

${pageDecisions}  const always = ["certificates", "kind", "emergency"];
  const decisions = (operation, body) =>
    Object.entries(Object.hasOwn(decided, operation) ? decided[operation] : {})
      .filter(([member]) => always.includes(member) || body[member] !== undefined)
      .map(([member, text]) => text + ": " + visible(body[member] ?? null));

  const list = (approval) => {
    const item = added(approvalList, "li");
    const title = added(item, "h3", approval.operation + " (" + approval.critical + ")");
    title.id = "title-" + approval.approvalId;
    const { operation, parameters, body } = approval;
    const text = added(item, "pre", visible({ operation, parameters, body }));
    text.id = "operation-" + approval.approvalId;
    text.tabIndex = 0;
    text.setAttribute("aria-labelledby", title.id);
    const facts = [
      "SHA-256 of the operation: " + approval.operationDigest,
      "Asked for by " + approval.requestedBy + ", until " + approval.expiresAt,
      "Approved by " + (approval.approvedBy.join(", ") || "nobody") + "; needs " + approval.persons,
    ];
    facts.unshift(...decisions(operation, { ...body, ...parameters }));
    for (const fact of facts) added(item, "p", fact);
    const button = added(item, "button", "Approve with a passkey");
    button.type = "button";
    button.dataset.approval = approval.approvalId;
    button.setAttribute("aria-describedby", title.id + " " + text.id);
    button.addEventListener("click", () => run(button, () => approve(approval)));
  };

  const refresh = async () => {
    const { approvals } = await sendInSession("GET", fleetPath("/approvals"));
    const waiting = approvals.filter(({ state }) => state === "requested" || state === "approved");
    approvalList.replaceChildren();
    for (const approval of waiting) list(approval);
    element("none").hidden = waiting.length > 0;
  };

  const run = async (button, action) => {
    button.disabled = true;
    say("Working\\u2026");
    try {
      await action();
    } catch (error) {
      say(error instanceof Error ? error.message : "It did not work.");
    } finally {
      button.disabled = false;
      // A button that was disabled has lost the focus, and whoever works with the keyboard the place.
      if (document.activeElement === document.body) (button.checkVisibility() ? button : signInButton).focus();
    }
  };

  const refreshed = async () => {
    await refresh();
    say("The list is of now.");
  };
  const follow = async () => {
    readFragment();
    if (!readsApprovals()) return;
    await run(refreshButton, refreshed);
    operationOf(wanted)?.focus();
  };
  registerButton.addEventListener("click", () => run(registerButton, register));
  signInButton.addEventListener("click", () => run(signInButton, signIn));
  signOutButton.addEventListener("click", () => run(signOutButton, signOut));
  certifyButton.addEventListener("click", () => run(certifyButton, certify));
  refreshButton.addEventListener("click", () => run(refreshButton, refreshed));
  addEventListener("hashchange", follow);
  readFragment();
})();
`;
