import { describe, expect, it } from "vitest";
import { endAll } from "../../scripts/rehearsal/endings.ts";
import { createReport } from "../../scripts/rehearsal/report.ts";

describe("the end of a rehearsal", () => {
  it("runs every ending, the last one first, and reports each that fails", async () => {
    const report = createReport(() => undefined);
    const ended: string[] = [];
    const ending = (name: string, isWell: boolean) => ({
      name,
      end: async () => {
        ended.push(name);
        if (!isWell) throw new Error(`${name} hangs`);
      },
    });
    await endAll([ending("emulator", false), ending("clients", true), ending("front", false)], report);
    expect(ended).toEqual(["front", "clients", "emulator"]);
    expect(report.checks).toMatchObject([
      { title: "front ends", status: "failed", message: "front hangs" },
      { title: "emulator ends", status: "failed", message: "emulator hangs" },
    ]);
  });
});
