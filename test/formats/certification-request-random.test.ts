import fc from "fast-check";
import { describe, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { encodeSequence } from "../../core/formats/der/writer.ts";
import {
  extensionRequest,
  makeRequest,
  makeSubject,
  usualExtensions,
} from "./certification-request-maker.ts";

const device = makeSubject("P-256");
const p384 = makeSubject("P-384");
const ed25519 = makeSubject("Ed25519");
const rsa = makeSubject("RSA");

describe("verifyCsr on random input", () => {
  const honest = makeRequest(device, { attributes: [extensionRequest(...usualExtensions)] });
  const requests = [honest, makeRequest(p384), makeRequest(ed25519), makeRequest(rsa)];
  const edited = fc
    .record({
      from: fc.nat(requests.length - 1),
      edits: fc.array(fc.tuple(fc.nat(800), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      cut: fc.option(fc.nat(800), { freq: 4 }),
    })
    .map(({ from, edits, cut }) => {
      const request = Buffer.from(requests[from] ?? []);
      for (const [offset, octet] of edits) request[offset % request.length] = octet;
      return cut === null ? request : request.subarray(0, cut);
    });

  it.each([
    { name: "edited requests", input: edited },
    { name: "octets at random", input: fc.uint8Array({ maxLength: 600 }) },
    {
      name: "a SEQUENCE of octets at random",
      input: fc.uint8Array({ maxLength: 500 }).map((octets) => encodeSequence(octets)),
    },
  ])("$name: an AppError of our codes or a request, within a second", async ({ input }) => {
    await fc.assert(
      fc.asyncProperty(input, async (der) => {
        const start = performance.now();
        try {
          await verifyCsr(der);
        } catch (error) {
          if (!isAppError(error) || !/^(csr|key)_/.test(error.code)) throw error;
        }
        return performance.now() - start < 1_000;
      }),
      { numRuns: 3_000, seed: 2986 },
    );
  });
});
