/** Room: cli. Why no answer came, in words, and whether another attempt may help. */
import { Failure, systemCode, type Transience } from "./failure.ts";

interface Cause {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly transience?: Transience;
}

const startServer = "start a local one with `fleetkey serve`, or name the service with --url";
const wrongRoot =
  "check --url and --ca; after a change of root, run `fleetkey trust pull --fingerprint HEX --out FILE`";

const reset: Cause = {
  code: "connection_reset",
  message: "the connection broke before an answer came",
  remedy: "run the same command again; a retry never signs twice",
  transience: "reset",
};

const untrusted: Cause = {
  code: "server_untrusted",
  message: "the server's certificate is not signed by a root that we hold",
  remedy: wrongRoot,
};

/** Codes of the system, of node:tls and of OpenSSL's verification. */
const causes: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: {
    code: "connection_refused",
    message: "nothing listens",
    remedy: startServer,
    transience: "unreachable",
  },
  ENOTFOUND: { code: "host_unknown", message: "the host name does not resolve", remedy: "check --url" },
  EAI_AGAIN: {
    code: "host_unknown",
    message: "the host name does not resolve now",
    remedy: "check --url and the network",
    transience: "unreachable",
  },
  EHOSTUNREACH: {
    code: "host_unreachable",
    message: "no route to the host",
    remedy: "check the network",
    transience: "unreachable",
  },
  ENETUNREACH: {
    code: "host_unreachable",
    message: "no route to the network",
    remedy: "check the network",
    transience: "unreachable",
  },
  ETIMEDOUT: {
    code: "timeout",
    message: "no answer in time",
    remedy: "check the network, then run the same command again",
    transience: "reset",
  },
  ECONNRESET: reset,
  ECONNABORTED: reset,
  EPIPE: reset,
  CERT_HAS_EXPIRED: {
    code: "server_certificate_expired",
    message: "the server's certificate has expired",
    remedy: "renew it on the server, and check this machine's clock with `fleetkey doctor`",
  },
  CERT_NOT_YET_VALID: {
    code: "server_certificate_not_yet_valid",
    message: "the server's certificate is not valid yet",
    remedy: "check this machine's clock with `fleetkey doctor`",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: "server_name_mismatch",
    message: "the server's certificate is for another host name",
    remedy: "use the name or address in its certificate in --url",
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  INVALID_CA: untrusted,
};

const tlsCause: Cause = {
  code: "tls_failed",
  message: "the TLS handshake failed",
  remedy: `${wrongRoot}; see what the port speaks with \`openssl s_client\``,
};

/** `error` of node:https as a Failure with exit `unreachable`; what is no connection error stays as it is. */
export function connectionFailure(error: unknown, url: string): unknown {
  const code = systemCode(error);
  if (error instanceof Failure || code === undefined) return error;
  const isTls = /^(ERR_TLS|ERR_SSL|EPROTO|ERR_OSSL|UNABLE_|CERT_)/.test(code);
  const cause = causes[code] ?? (isTls ? tlsCause : { ...reset, message: `the connection failed (${code})` });
  return new Failure("unreachable", cause.code, `${url}: ${cause.message}`, {
    remedy: cause.remedy,
    transience: cause.transience,
    cause: error,
  });
}
