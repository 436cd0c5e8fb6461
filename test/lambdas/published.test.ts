/** Room: test. What was published, as a function answers it, and what no answer of a function holds. */
import { describe, expect, it } from "vitest";
import { distributionFunction } from "../../lambdas/distribution/handler.ts";
import { emptyApp, gatewayEvent, problemOf } from "./gateway-event.ts";

const path = "/v1/fleets/default/crl/issuing-1/2026-11-26.7d.crl";
const contentType = "application/pkix-crl";

/** A service in whose object store lies one list of so many octets. */
function serviceWith(octets: number) {
  const object = { body: Buffer.alloc(octets, 0x30), contentType, tag: "tag" };
  return { ...emptyApp(), artifacts: { get: async () => object } };
}

describe("an object that is larger than an answer", () => {
  it("is a problem that gives value, limit and remedy, where there is a limit", async () => {
    const app = serviceWith(1_001);
    const answer = await distributionFunction(app, { answerOctets: 1_000 })(gatewayEvent({ path }));
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "3600"]);
    expect(problemOf(answer)).toMatchObject({
      code: "answer_too_large",
      detail: expect.stringMatching(/1001 octets.* 1000; .*domain.*crlWindowDays/),
    });
    expect(app.lines).toContainEqual(expect.objectContaining({ event: "request_failed", level: "error" }));
  });

  it("is answered where there is none, and whoever has it already is told so everywhere", async () => {
    const app = serviceWith(5_000_000);
    const whole = await distributionFunction(app)(gatewayEvent({ path }));
    expect([whole.statusCode, whole.isBase64Encoded]).toEqual([200, true]);
    expect(Buffer.from(whole.body, "base64")).toHaveLength(5_000_000);
    const headers = { "if-none-match": String(whole.headers["etag"]) };
    const again = await distributionFunction(app, { answerOctets: 1_000 })(gatewayEvent({ path, headers }));
    expect(again.statusCode).toBe(304);
  });

  it("begins above the limit, and the largest that passes fits into Lambda's 6,291,556 octets", async () => {
    const limit = { answerOctets: 4_500_000 };
    const answer = await distributionFunction(serviceWith(4_500_000), limit)(gatewayEvent({ path }));
    expect(answer.statusCode).toBe(200);
    expect(JSON.stringify(answer).length).toBeLessThan(6_291_556);
  });
});
