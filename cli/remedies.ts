/** Room: cli. What a person can do about a problem code of the service. */
import type { ErrorCode } from "../core/errors.ts";

const newToken = "ask for a new token: fleetkey token create --device ID";
const operator = "pass an operator's certificate and key with --cert and --key; see `fleetkey doctor`";
const freshKey = "let fleetkey make a fresh key: leave out --csr, or make a new key and CSR";

const remedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  credential_missing:
    "pass a token with --token-file FILE, --token - (stdin) or FLEETKEY_TOKEN, or a claim's or the maker's certificate with --cert and --key; a registered key needs neither, where the fleet accepts it",
  credential_invalid: `check that the whole token was copied, or ${newToken}`,
  credential_expired: newToken,
  credential_spent: `a token is good for one certificate; ${newToken}`,
  client_certificate_required: operator,
  client_certificate_untrusted: `the certificate is not of this fleet; ${operator}`,
  client_certificate_expired: "a device enrols again with a new token; an operator gets a new certificate",
  client_certificate_revoked:
    "it was revoked on purpose; enrol again with a new token if the device is trusted",
  access_denied: operator,
  role_not_permitted: "ask an owner of the fleet for the role: fleetkey operator change ID --roles …",
  operator_not_active: "ask an owner of the fleet: fleetkey operator list",
  approval_required: "leave out --approval: the command asks for an approval itself",
  approval_incomplete:
    "let the people it needs approve it on the page, then run the command with --approval ID",
  approval_stale: "approve it again on the page; an assertion counts for five minutes",
  approval_mismatch: "run the very command that was approved, as the operator who asked for it",
  approval_spent:
    "it was executed already, perhaps by a command whose answer was lost: look with `fleetkey fleet show`, `operator list`, `revoke list`, `rotation list` or `ceremony list`; leave out --approval to ask for another",
  configuration_changed:
    "see what is there now with `fleetkey fleet show`, make the change in that, and run the command again",
  approval_repeated: "another operator has to approve it too: fleetkey operator list",
  session_invalid: "sign in on the page: this call needs more than a certificate",
  credential_not_accepted: "the fleet's owners say what it accepts: fleetkey fleet show",
  device_unknown: "put the device into the inventory first: fleetkey device import --csv FILE",
  device_not_active: "look at the device with `fleetkey device show ID`; `device release ID` lets it back in",
  quota_exhausted: "ask for another claim: fleetkey claim create ID --quota N",
  enrollment_denied: "talk to the fleet's operators; the same command then asks again, with a new key",
  fleet_suspended: "the fleet's owners can end that: fleetkey fleet resume",
  not_found: "check the id or serial number, and --fleet: a certificate is good in its own fleet alone",
  already_revoked: "nothing to do; `fleetkey cert show SERIAL` tells the reason on record",
  not_on_hold:
    "only a certificate on hold is released; `fleetkey cert show SERIAL` tells what was done with it",
  job_state_invalid: "look at the job with `fleetkey revoke show JOB`",
  key_overdue:
    "`fleetkey key report` names the key; an authority: fleetkey authority rotate ID, a trust signer: fleetkey ceremony open --purpose trustSigner, or where the root is offline fleetkey ceremony request",
  rollover_state_invalid: "look at it with `fleetkey rotation show ID`, at all of them with `rotation list`",
  rollover_gate_closed:
    "`fleetkey rotation show ID` tells what it waits for; the service goes on by itself as soon as that is there",
  ceremony_state_invalid: "look at it with `fleetkey ceremony list`; each is over within an hour",
  ceremony_invalid:
    "what was signed is not what was asked for: fetch the request again with `fleetkey ceremony request ID`, and sign that",
  server_certificate_mismatch:
    "take another name for another kind of key; `fleetkey server-cert show NAME` tells what there is",
  key_offline:
    "its root has no network: fleetkey ceremony request here, with the ID of the rollover if it is for one, `ceremony sign` there, then fleetkey ceremony import",
  data_unreadable:
    "name purpose, subject and members as they were when it was encrypted; a message that was changed nobody reads",
  purpose_not_permitted:
    "an owner gives a backend its purposes: fleetkey fleet configure; on the server's machine `fleetkey backend create NAME --purpose WORD`",
  subject_shredded: "its keys are gone for good: fleetkey shred list",
  key_disabled: "enable the key where it is kept; `fleetkey key report` tells how it is",
  key_rotation_exhausted: "it rotates by itself all the same; where that is too late, deploy another key",
  certificate_not_held:
    "somebody took it away where it was held; `fleetkey server-cert show NAME` tells when it is there again",
  certificate_manager_refused:
    "look at the certificate with `fleetkey server-cert show NAME`, and at the limits of who holds it",
  certificate_manager_unavailable: "the service tries again by itself: fleetkey server-cert show NAME",
  key_reused: freshKey,
  key_weak: freshKey,
  key_unsupported: "use one of P-256, P-384, Ed25519, RSA 2048 to 4096, ML-DSA-44, 65 or 87",
  csr_signature_invalid: "the CSR was altered or signed by another key; make it again",
  csr_subject_mismatch: "the CSR's subject is empty or CN=ID alone, with the ID that the token is for",
  csr_san_not_permitted: "leave subject alternative names out of the CSR; the service sets them",
  csr_ca_requested: "leave basicConstraints out of the CSR",
  csr_key_usage_not_permitted: "leave keyUsage out of the CSR; the service sets it",
  csr_extended_key_usage_not_permitted: "leave extendedKeyUsage out of the CSR; the service sets it",
  csr_extension_not_permitted: "leave extensions out of the CSR; the service sets them",
  name_not_permitted: "an id is 1 to 64 of A–Z a–z 0–9 . _ - and tells nothing about a person",
  issuance_in_progress: "the same request is being served; run the command again in a moment",
  issuance_closed: newToken,
  cursor_invalid: "list from the start again, without --cursor",
  key_store_locked: "start the server with its passphrase: FLEETKEY_PASSPHRASE=… fleetkey serve",
};

/** Of data at rest, and of what moves or destroys its keys. */
const dataRemedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  job_state_invalid: "look at it with `fleetkey reencryption list` or `fleetkey shred list`",
};

const enrolAgain =
  "enrol again with a new token: fleetkey token create --device ID, then fleetkey device enroll --device ID --out DIR";

/** At a renewal the credential is the certificate: there is no token and no operator. */
const renewalRemedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  credential_spent: enrolAgain,
  client_certificate_required: "the service did not see the certificate; name the service itself with --url",
  client_certificate_untrusted: `check --url and --fleet, or ${enrolAgain}`,
  client_certificate_expired: enrolAgain,
  client_certificate_revoked: `it was revoked on purpose; if the device is trusted, ${enrolAgain}`,
  access_denied: "check --dir and --fleet: a device renews its own certificate in its own fleet",
  issuance_closed: "run the same command again; it asks with a new key",
};

const certifyAgain = "ask an operator to certify it again: fleetkey backend certify ID --out DIR";

/** As at a device's renewal, but that an operator certifies where the certificate does not do. */
const backendRenewalRemedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  credential_spent: certifyAgain,
  client_certificate_required: "the service did not see the certificate; name the service itself with --url",
  client_certificate_untrusted: `check --url and --fleet, or ${certifyAgain}`,
  client_certificate_expired: certifyAgain,
  client_certificate_revoked: `it was revoked on purpose; if the backend is trusted, ${certifyAgain}`,
  access_denied: "check --dir and --fleet: a backend renews its own certificate in its own fleet",
  issuance_closed: "run the same command again; it asks with a new key",
};

/** An expired certificate is the credential, and its key signs the request. */
const returnRemedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  credential_invalid:
    "while the certificate is in force it renews: fleetkey device renew --dir DIR; once it is over, the device's last one returns",
  credential_expired: enrolAgain,
  credential_not_accepted: `the fleet takes no device back like that; ${enrolAgain}`,
  client_certificate_revoked: `it was revoked on purpose; if the device is trusted, ${enrolAgain}`,
};

/** A claim's or a maker's certificate is the credential, or the request alone. */
const tokenlessRemedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  credential_invalid: `--cert and --key name a claim's or the maker's certificate here; or ${newToken}`,
  credential_spent: `a device enrols so once, by one request: send that one again, from its directory, or ${newToken}`,
  client_certificate_expired: "ask for another claim: fleetkey claim create ID --quota N",
  client_certificate_revoked: "ask for another claim: fleetkey claim create ID --quota N",
  client_certificate_untrusted:
    "check --cert and --fleet; of a maker's certificate the fleet knows the authority: fleetkey fleet show",
};

export type RemedyTable = (code: string) => string | undefined;

const lookUp = (table: Partial<Readonly<Record<ErrorCode, string>>>, code: string): string | undefined =>
  Object.hasOwn(table, code) ? table[code as ErrorCode] : undefined;

/** The remedy for a problem code, or undefined if the problem's own detail has to do. */
export const remedyFor: RemedyTable = (code) => lookUp(remedies, code);

/** The same for a problem that work on data at rest met. */
export const dataRemedyFor: RemedyTable = (code) => lookUp(dataRemedies, code) ?? remedyFor(code);

/** The same for a problem that a renewal met. */
export const renewalRemedyFor: RemedyTable = (code) => lookUp(renewalRemedies, code) ?? remedyFor(code);

/** The same for a problem that a backend's renewal met. */
export const backendRenewalRemedyFor: RemedyTable = (code) =>
  lookUp(backendRenewalRemedies, code) ?? remedyFor(code);

/** The same for a problem that a device met which came back with its expired certificate. */
export const returnRemedyFor: RemedyTable = (code) => lookUp(returnRemedies, code) ?? remedyFor(code);

/** The same for a problem that an enrolment without a token met. */
export const tokenlessRemedyFor: RemedyTable = (code) => lookUp(tokenlessRemedies, code) ?? remedyFor(code);
