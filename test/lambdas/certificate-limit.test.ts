import { expect, it, vi } from "vitest";
import { handlersOf } from "../../lambdas/handlers.ts";
import { certificateLimit } from "../../lambdas/http/credentials.ts";
import { emptyApp, gatewayEvent, problemOf } from "./gateway-event.ts";

/** Shaped like PEM, of exactly so many characters. */
function pemOf(length: number): string {
  const [head, tail] = ["-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n"];
  return head + "A".repeat(length - head.length - tail.length) + tail;
}

it.each([
  [certificateLimit, true],
  [certificateLimit + 1, false],
  [1_000_000, false],
])("a client certificate of %i characters reaches the use case: %s", async (length, reaches) => {
  const app = emptyApp();
  const get = vi.spyOn(app.memo, "get");
  const lookUp = vi.spyOn(app.items, "get");
  const event = gatewayEvent({ path: "/v1/fleets/default/certificates", certificate: pemOf(length) });
  const result = await handlersOf(app).distribution(event);
  expect(problemOf(result)).toMatchObject({ code: "client_certificate_untrusted", status: 403 });
  expect(String(problemOf(result)["detail"]).includes(`exceeds ${certificateLimit}`)).toBe(!reaches);
  if (!reaches) expect(get.mock.calls.length + lookUp.mock.calls.length).toBe(0);
});
