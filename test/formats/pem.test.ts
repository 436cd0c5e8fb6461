import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePem, encodePem, type PemLabel } from "../../core/formats/pem.ts";
import { accepts, refusal } from "./refusal.ts";

const begin = "-----BEGIN CERTIFICATE-----";
const end = "-----END CERTIFICATE-----";
const line = "A".repeat(64);
const block = `${begin}\nAAAA\n${end}\n`;

describe("encodePem (RFC 7468 §2)", () => {
  test("lines of 64 columns, each ended by a line feed", () => {
    expect(encodePem("CERTIFICATE", Buffer.alloc(50))).toBe(`${begin}\n${line}\n${"A".repeat(3)}=\n${end}\n`);
    expect(encodePem("CERTIFICATE", Buffer.alloc(48))).toBe(`${begin}\n${line}\n${end}\n`);
  });

  test("decode after encode is the identity, for one block and for many", () => {
    const label = fc.constantFrom<PemLabel>("CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY");
    const der = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((octets) => Buffer.from(octets));
    fc.assert(
      fc.property(label, fc.array(der, { minLength: 1, maxLength: 4 }), (each, blocks) => {
        expect(decodePem(blocks.map((one) => encodePem(each, one)).join(""), each)).toEqual(blocks);
      }),
    );
  });
});

describe("decodePem (RFC 7468 §3)", () => {
  test.each([
    { name: "CR LF", text: block.replaceAll("\n", "\r\n") },
    { name: "CR", text: block.replaceAll("\n", "\r") },
    { name: "no last line ending", text: block.trimEnd() },
    { name: "§5.2: text before and after", text: `Certificate:\n  Data: x\n${block}the end` },
    { name: "spaces at the ends of lines", text: block.replaceAll("\n", " \t\n") },
    { name: "empty lines around", text: `\n\n${block}\n\n` },
  ])("accepted: $name", ({ text }) => {
    expect(decodePem(text, "CERTIFICATE")).toEqual([Buffer.alloc(3)]);
  });

  test("§7: NEW CERTIFICATE REQUEST is a certificate request", () => {
    const text = block.replaceAll("CERTIFICATE", "NEW CERTIFICATE REQUEST");
    expect(decodePem(text, "CERTIFICATE REQUEST")).toEqual([Buffer.alloc(3)]);
    expect(accepts(() => decodePem(text, "CERTIFICATE"))).toBe(false);
  });

  test.each([
    { name: "nothing", text: "" },
    { name: "base64 without boundaries", text: "AAAA" },
    { name: "an empty block", text: `${begin}\n${end}` },
    { name: "another label", text: block.replaceAll("CERTIFICATE", "X509 CRL") },
    {
      name: "a private key after the certificate",
      text: block + block.replaceAll("CERTIFICATE", "PRIVATE KEY"),
    },
    { name: "no END line", text: `${begin}\nAAAA\n` },
    { name: "an END line alone", text: `${end}\n` },
    { name: "BEGIN inside a block", text: `${begin}\nAAAA\n${block}` },
    { name: "another END line", text: `${begin}\nAAAA\n-----END PUBLIC KEY-----` },
    { name: "a long line", text: `${begin}\n${line}AAAA\n${end}` },
    { name: "a short line before the last", text: `${begin}\nAAAA\n${line}\n${end}` },
    { name: "an empty line inside", text: `${begin}\n${line}\n\nAAAA\n${end}` },
    { name: "a header inside", text: `${begin}\nProc-Type: 4,ENCRYPTED\nAAAA\n${end}` },
    { name: "a foreign character", text: `${begin}\nAA*A\n${end}` },
    { name: "the URL alphabet", text: `${begin}\nAA_-\n${end}` },
    { name: "RFC 4648 §3.2: missing padding", text: `${begin}\nAA\n${end}` },
    { name: "RFC 4648 §3.5: padding bits that are set", text: `${begin}\nAB==\n${end}` },
    { name: "padding inside", text: `${begin}\nAA==AAAA\n${end}` },
    { name: "a space inside a line", text: `${begin}\nAA AA\n${end}` },
    { name: "a boundary of four dashes", text: block.replaceAll("-----", "----") },
    { name: "a boundary that is not at the line's start", text: `x${begin}\nAAAA\n${end}` },
    { name: "more than 1 MiB", text: block + " ".repeat(1_048_576) },
  ])("refused: $name", ({ text }) => {
    expect(refusal(() => decodePem(text, "CERTIFICATE")).code).toBe("pem_malformed");
  });

  test("a private key is refused by its label, its content not repeated", () => {
    const text = block.replaceAll("CERTIFICATE", "PRIVATE KEY");
    expect(refusal(() => decodePem(text, "CERTIFICATE")).message).toBe(
      'not PEM: block "PRIVATE KEY" is not wanted here; send "CERTIFICATE" only',
    );
  });

  test("random lines meet an AppError or blocks", () => {
    const part = fc.constantFrom(
      begin,
      end,
      "AAAA",
      "AA==",
      line,
      "",
      "x",
      "-----BEGIN PUBLIC KEY-----",
      "-----BEGIN -----",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const text = parts.join("\n");
        if (accepts(() => decodePem(text, "CERTIFICATE"))) {
          expect(decodePem(text, "CERTIFICATE").length).toBe(parts.filter((each) => each === begin).length);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
