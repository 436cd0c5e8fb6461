import { describe, expect, it } from "vitest";
import { type Answer, dynamoDbDouble, failure } from "./dynamodb-double.ts";

const text = (Message: string) => ({ message: Message });
const sized = text("Item size has exceeded the maximum allowed size: SECRET");
const misshapen = text("One or more parameter values were invalid: SECRET");
const reason = (Code: string, message = "SECRET"): Answer =>
  failure("TransactionCanceledException", { CancellationReasons: [{ Code, Message: message }] });

const cases: readonly { name: string; answer: Answer | Error; code: string; says: RegExp }[] = [
  {
    name: "no table",
    answer: failure("ResourceNotFoundException", text("SECRET")),
    code: "configuration_invalid",
    says: /items.*deploy the state stack/,
  },
  {
    name: "no permission",
    answer: failure("AccessDeniedException", text("SECRET")),
    code: "configuration_invalid",
    says: /items.*grant it/,
  },
  {
    name: "unknown credentials",
    answer: failure("UnrecognizedClientException", text("SECRET")),
    code: "configuration_invalid",
    says: /credentials.*role/,
  },
  {
    name: "expired credentials",
    answer: failure("ExpiredTokenException", text("SECRET")),
    code: "configuration_invalid",
    says: /credentials.*role/,
  },
  {
    name: "an item too large",
    answer: failure("ValidationException", sized),
    code: "store_limit_exceeded",
    says: /split it/,
  },
  {
    name: "an item too large, found by the transaction",
    answer: reason("ValidationError", "Item size to update has exceeded the maximum allowed size"),
    code: "store_limit_exceeded",
    says: /split it/,
  },
  {
    name: "a request too large",
    answer: failure("RequestEntityTooLarge", text("SECRET"), 413),
    code: "store_limit_exceeded",
    says: /split it/,
  },
  {
    name: "a request of another schema",
    answer: failure("ValidationException", misshapen),
    code: "internal",
    says: /state stack/,
  },
  {
    name: "a request of another schema, found by the transaction",
    answer: reason("ValidationError"),
    code: "internal",
    says: /state stack/,
  },
  {
    name: "a cancellation reason that nobody knows",
    answer: reason("Novelty"),
    code: "internal",
    says: /Novelty/,
  },
  {
    name: "a token used for another request",
    answer: failure("IdempotentParameterMismatchException", text("SECRET")),
    code: "internal",
    says: /report it/,
  },
  { name: "a mistake of ours", answer: new TypeError("SECRET"), code: "internal", says: /TypeError/ },
];

describe("what is not worth a retry", () => {
  it.each(cases)("$name: $code, at once, with a remedy and nothing of the item", async (row) => {
    const { store, requests } = dynamoDbDouble([row.answer]);
    const put = { pk: "SECRET", sk: "SECRET", attributes: { SECRET: "SECRET" } };
    const error: unknown = await store.transact([{ put, when: "absent" }]).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      name: "AppError",
      code: row.code,
      message: expect.stringMatching(row.says),
    });
    expect(error).toMatchObject({ cause: expect.any(Error) });
    expect(String(error)).not.toContain("SECRET");
    expect(requests).toHaveLength(1);
  });
});
