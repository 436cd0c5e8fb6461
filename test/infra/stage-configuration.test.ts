import { describe, expect, it } from "vitest";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";

describe("stage configuration", () => {
  it("fills what is left out with the strictest periods", () => {
    expect(readStageConfiguration("prod", { prod: {} })).toEqual({
      stage: "prod",
      recoveryDays: 35,
      dataKeyRotationDays: 365,
    });
  });

  it("keeps what is written", () => {
    const written = {
      account: "012345678901",
      region: "eu-central-1",
      recoveryDays: 1,
      dataKeyRotationDays: 90,
    };
    expect(readStageConfiguration("dev", { dev: written })).toEqual({ stage: "dev", ...written });
  });

  const refused = [
    { name: "no stage", stage: undefined, members: {}, says: /stage undefined is not .*`-c stage=NAME`/ },
    {
      name: "a stage that cannot name a stack",
      stage: "Prod_1",
      members: {},
      says: /stage "Prod_1" is not 1 to 20/,
    },
    {
      name: "a period over the limit",
      stage: "dev",
      members: { recoveryDays: 36 },
      says: /recoveryDays 36 .* 1 to 35/,
    },
    {
      name: "a period that is not whole",
      stage: "dev",
      members: { recoveryDays: 1.5 },
      says: /1\.5 is not a whole/,
    },
    {
      name: "a number in quotes",
      stage: "dev",
      members: { dataKeyRotationDays: "90" },
      says: /"90" is not a whole/,
    },
    {
      name: "an account without its zero",
      stage: "dev",
      members: { account: 12345678901 },
      says: /twelve digits/,
    },
    {
      name: "a region misspelt",
      stage: "dev",
      members: { region: "europe" },
      says: /"europe" is not a region code/,
    },
    {
      name: "an unknown member",
      stage: "dev",
      members: { recoveryDay: 7 },
      says: /recoveryDay is unknown .*remove it/,
    },
  ];
  for (const { name, stage, members, says } of refused) {
    it(`refuses ${name}`, () => {
      expect(() => readStageConfiguration(stage, { dev: members })).toThrow(says);
    });
  }

  it("refuses a stage that is not described, and names those that are", () => {
    expect(() => readStageConfiguration("qa", { dev: {}, prod: {} })).toThrow(/"qa" .*there are: dev, prod/);
    expect(() => readStageConfiguration("constructor", { dev: {} })).toThrow(/is not described/);
    expect(() => readStageConfiguration("dev", undefined)).toThrow(/there are: none/);
  });

  it("lists every problem at once", () => {
    const wrong = { recoveryDays: 0, dataKeyRotationDays: 1000, region: "?" };
    expect(() => readStageConfiguration("dev", { dev: wrong })).toThrow(
      /region.*recoveryDays 0.*dataKeyRotationDays 1000/s,
    );
  });
});
