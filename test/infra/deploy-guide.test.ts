import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultReservedConcurrency } from "../../infra/configuration/concurrency.ts";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";
import { renderCostSummary } from "../../scripts/costs/render.ts";
import { deployFlags } from "../../scripts/deployment/options.ts";

const path = "docs/deploy.md";
const guide = readFileSync(path, "utf8");

/** Members of a stage, from the very message that lists them. */
function membersOfStage(): string[] {
  try {
    readStageConfiguration("test", { test: { unknown: 1 } });
  } catch (error) {
    return /there are: ([^)]+)\)/.exec(String(error))?.[1]?.split(", ") ?? [];
  }
  throw new Error("an unknown member was accepted");
}

/** As GitHub makes anchors of headings. */
const anchors = new Set(
  [...guide.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  ),
);

describe("docs/deploy.md", () => {
  it.each(membersOfStage())("has member %s of a stage in its reference", (member) => {
    expect(guide).toContain(`\n| \`${member}\` | `);
  });

  it.each(["stage", "fleetkey:stages", "fleetkey:trustStoreVersion", "fleetkey:emulator"])(
    "has context flag %s in its reference",
    (flag) => {
      expect(guide).toContain(`\n| \`${flag}\` | `);
    },
  );

  it("tells the defaults that the code has", () => {
    const { recoveryDays, dataKeyRotationDays, recordRetention } = readStageConfiguration("test", {
      test: {},
    });
    expect(guide).toContain(`\n| \`recoveryDays\` | ${recoveryDays} | `);
    expect(guide).toContain(`\n| \`dataKeyRotationDays\` | ${dataKeyRotationDays} | `);
    const { mode, days } = recordRetention;
    expect(guide).toContain(`\n| \`recordRetention\` | \`{ "mode": "${mode}", "days": ${days} }\` | `);
    const row = guide.split("\n").find((line) => line.startsWith("| `reservedConcurrency` |"));
    for (const [duty, executions] of Object.entries(defaultReservedConcurrency))
      expect(row).toContain(`${executions} ${duty}`);
  });

  it("has the flags that the deployment has, and no others", () => {
    const described = [...guide.matchAll(/^\| `--([a-z-]+)[^`]*` \|/gm)].map(([, flag]) => flag);
    expect(described.sort()).toEqual([...Object.keys(deployFlags), "help"].sort());
  });

  it("shows the totals of the cost table", () => {
    expect(guide).toContain(`\n${renderCostSummary()}\n`);
  });

  it("writes no bare STAGE into a command", () => {
    const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
    const spans = [...guide.matchAll(/`((?:aws|npm|npx|cdk) [^`]*)`/g)].map(([, span = ""]) => span);
    for (const command of [...blocks, ...spans])
      expect(command).not.toMatch(/(?<!\$|export )\b(?:STAGE|REGION|ACCOUNT)\b(?!=)/);
  });

  it("links lead somewhere", () => {
    for (const [, target = ""] of guide.matchAll(/\]\(([^)\s]+)\)/g)) {
      const [file = "", anchor] = target.split("#");
      if (file !== "") expect(existsSync(join(dirname(path), file)), target).toBe(true);
      else expect(anchors, target).toContain(anchor);
    }
  });
});
