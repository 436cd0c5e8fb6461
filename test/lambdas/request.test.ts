import { describe, expect, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import {
  bodyJson,
  bodyLimit,
  checkBodySize,
  csrFromBody,
  csrFromText,
  decodeBase64,
  mediaType,
  negotiate,
} from "../../lambdas/http/request.ts";
import { gatewayEvent } from "./gateway-event.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    return isAppError(error) ? error.code : String(error);
  }
}

describe("size is judged before anything is decoded", () => {
  const asText = (length: number, character = "a") => gatewayEvent({ body: character.repeat(length) });
  const asBytes = (length: number) => gatewayEvent({ body: Buffer.alloc(length) });
  it.each([
    ["no body", gatewayEvent(), "none"],
    ["text at the limit", asText(bodyLimit), "none"],
    ["text one over", asText(bodyLimit + 1), "request_too_large"],
    ["text under in characters, over in octets", asText(bodyLimit / 2, "漢"), "request_too_large"],
    ["base64 at the limit", asBytes(bodyLimit), "none"],
    ["base64 well over", asBytes(bodyLimit + 3), "request_too_large"],
    [
      "base64 that is not base64, over",
      { ...asText(bodyLimit * 2, "!"), isBase64Encoded: true },
      "request_too_large",
    ],
  ])("%s", (_name, event, code) => {
    expect(codeOf(() => checkBodySize(event))).toBe(code);
  });
});

describe("RFC 4648 §3: strict base64", () => {
  it.each([
    ["TWFu", "Man"],
    ["TWE=", "Ma"],
    ["TQ==", "M"],
    ["", ""],
  ])("%s is %s", (text, bytes) => {
    expect(decodeBase64(text)?.toString()).toBe(bytes);
  });
  it.each([
    ["no padding", "TWE"],
    ["too much padding", "TQ==="],
    ["bits left over", "TR=="],
    ["base64url alphabet", "_-__"],
    ["white space", "TW Fu"],
    ["line break", "TWFu\n"],
    ["padding inside", "TQ==TQ=="],
    ["not ASCII", "TWFü"],
  ])("refused: %s", (_name, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});

describe("RFC 8259: JSON bodies", () => {
  it.each([
    ["text", '{"a":1}', { a: 1 }],
    ["base64, as gateways send unknown types", Buffer.from('{"a":"é"}'), { a: "é" }],
    ["no body is an empty object", undefined, {}],
  ])("%s", (_name, body, value) => {
    expect(bodyJson(gatewayEvent(body === undefined ? {} : { body }))).toEqual(value);
  });
  it.each([
    ["cut short", '{"a":'],
    ["trailing comma", '{"a":1,}'],
    ["single quotes", "{'a':1}"],
    ["two values", "{}{}"],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["UTF-16", Buffer.from('{"a":1}', "utf16le")],
    ["comment", "{} // x"],
  ])("refused: %s", (_name, body) => {
    expect(codeOf(() => bodyJson(gatewayEvent({ body })))).toBe("request_invalid");
  });
  it("deep nesting neither overflows nor hangs", () => {
    const depth = bodyLimit / 2;
    const body = "[".repeat(depth) + "]".repeat(depth);
    expect(["none", "request_invalid"]).toContain(codeOf(() => bodyJson(gatewayEvent({ body }))));
  });
  it("the refusal does not repeat what was sent", () => {
    try {
      bodyJson(gatewayEvent({ body: '{"token": secret-value' }));
    } catch (error) {
      expect(String(error)).not.toContain("secret");
    }
  });
  it("a body that says it is base64 and is not", () => {
    const event = { ...gatewayEvent({ body: "***" }), isBase64Encoded: true };
    expect(codeOf(() => bodyJson(event))).toBe("request_invalid");
  });
});

describe("media types of bodies", () => {
  const consumes = ["application/pkcs10", "application/json"] as const;
  const read = (type: string | undefined, body = "x") =>
    mediaType(gatewayEvent({ body, headers: type === undefined ? {} : { "content-type": type } }), consumes);

  it.each([
    ["application/json", "application/json"],
    ["application/json; charset=utf-8", "application/json"],
    ['Application/JSON;charset="UTF-8"', "application/json"],
    ["application/pkcs10", "application/pkcs10"],
    [" application/pkcs10 ; x=y", "application/pkcs10"],
  ])("%s", (type, found) => {
    expect(read(type)).toBe(found);
  });
  it.each([
    ["absent", undefined],
    ["empty", ""],
    ["form", "application/x-www-form-urlencoded"],
    ["text", "text/plain"],
    ["suffix", "application/problem+json"],
    ["another charset", "application/json; charset=utf-16"],
    ["two, joined as a gateway joins repeated headers", "application/json,application/pkcs10"],
    ["prefix", "application/jsonp"],
  ])("refused: %s", (_name, type) => {
    expect(codeOf(() => read(type))).toBe("media_type_unsupported");
  });
  it("without a body any will do", () => {
    expect(read("text/plain", "")).toBeUndefined();
  });
});

describe("RFC 9110 §12.5.1: negotiation", () => {
  const produces = ["application/json", "application/pem-certificate-chain"] as const;
  const choose = (accept: string | undefined) =>
    negotiate(gatewayEvent({ headers: accept === undefined ? {} : { accept } }), produces);
  const [json, chain] = produces;

  it.each([
    [undefined, json],
    ["*/*", json],
    ["application/*", json],
    ["application/json", json],
    ["application/pem-certificate-chain", chain],
    ["Application/PEM-Certificate-Chain", chain],
    ["text/html, application/pem-certificate-chain;q=0.5", chain],
    ["application/json;q=0.5, application/pem-certificate-chain", chain],
    ["*/*;q=0.1, application/pem-certificate-chain;q=0.2", chain],
    ["application/json;q=0, */*", chain],
    ["text/html,*/*;q=0.8", json],
    ["application/json;q=2", json],
  ])("%s", (accept, type) => {
    expect(choose(accept)).toBe(type);
  });
  it.each([
    "text/html",
    "application/jsonp",
    "application/json;q=0",
    "*/*;q=0",
    "text/*",
    "",
    ",".repeat(5_000),
    `${"a".repeat(8_000)}/b`,
  ])("refused: %.40s", (accept) => {
    expect(codeOf(() => choose(accept))).toBe("not_acceptable");
  });
});

describe("RFC 5967 and RFC 8951: forms of a PKCS #10 body", () => {
  const der = Buffer.from("3003020100", "hex");
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  const lines = der.toString("base64").replace(/(.{4})/g, "$1\r\n");

  it.each([
    ["DER", der],
    ["PEM", Buffer.from(pem)],
    ["PEM as text", pem],
    ["base64", Buffer.from(der.toString("base64"))],
    ["base64 in lines", Buffer.from(lines)],
  ])("%s", (_name, body) => {
    expect(csrFromBody(gatewayEvent({ body })).equals(der)).toBe(true);
  });
  it.each([
    ["none", undefined, "csr_malformed"],
    ["words", "hello world!", "csr_malformed"],
    ["two PEM requests", pem + pem, "pem_malformed"],
    ["another PEM label", pem.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE"), "pem_malformed"],
    ["PEM cut short", pem.slice(0, -10), "pem_malformed"],
    ["a private key", pem.replaceAll("CERTIFICATE REQUEST", "PRIVATE KEY"), "pem_malformed"],
  ])("refused: %s", (_name, body, code) => {
    expect(codeOf(() => csrFromBody(gatewayEvent(body === undefined ? {} : { body })))).toBe(code);
  });
  it("an empty member is no request", () => {
    expect(codeOf(() => csrFromText(""))).toBe("csr_malformed");
    expect(codeOf(() => csrFromText(" \n"))).toBe("csr_malformed");
  });
});
