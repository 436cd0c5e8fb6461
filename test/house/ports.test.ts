import { expect, it } from "vitest";
import * as ports from "../../core/ports.ts";

it("core/ports.ts holds types only: as a module it exports no value", () => {
  expect(Object.keys(ports)).toEqual([]);
});
