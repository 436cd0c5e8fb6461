/** Room: lambdas/http. Members that several kinds of request have: pages, times, labels. */
import * as z from "zod/mini";
import { cursor, documented, text } from "./schemas.ts";

const limitMessage = "must be a whole number from 1 to 1000";

/** How much of a list is wanted, and from where. */
export const page = (of: string) => ({
  limit: z.exactOptional(
    text(limitMessage, /^(?:[1-9][0-9]{0,2}|1000)$/, {
      description: `How many ${of} a page holds at most; 100 when absent.`,
      // A query has text only; to a reader it is a number.
      override: ({ jsonSchema }) => {
        delete jsonSchema["pattern"];
        Object.assign(jsonSchema, { type: "integer", minimum: 1, maximum: 1_000, default: 100 });
      },
    })(),
  ),
  cursor: z.exactOptional(cursor()),
});

const instantMessage = "must be ISO 8601 in UTC, such as 2026-03-01T12:00:00Z";
export const instant = (description: string) =>
  documented(z.iso.datetime({ error: instantMessage }), { description, example: "2026-03-01T12:00:00Z" });

export const firmwareLabel = text(
  "must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore, plus and hyphen",
  /^[A-Za-z0-9._+-]{1,64}$/,
  { id: "FirmwareLabel", description: "What a device calls the firmware it runs.", example: "2026.11.1" },
);
