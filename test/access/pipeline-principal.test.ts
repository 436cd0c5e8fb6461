import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticatePrincipal } from "../../core/access/pipeline.ts";
import { isAppError } from "../../core/errors.ts";
import { addFleet, type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";
import { iamEntry, tenant, trust } from "./pipelines.ts";

const account = "arn:aws:sts::123456789012";
let house: FleetApp;
beforeAll(async () => {
  house = await openFleetApp();
  await addFleet(house.app, tenant);
  await trust(house.app, [
    iamEntry(),
    iamEntry({ id: "user", principal: "arn:aws:iam::123456789012:user/ci" }),
    iamEntry({
      id: "all-builds",
      principal: `${account}:assumed-role/build-*/*`,
      operations: ["listCertificates"],
    }),
    iamEntry({ id: "late", principal: `${account}:assumed-role/build-*/session` }),
  ]);
});
afterAll(() => house.close());

async function outcome(principal: string, fleet = testFleet): Promise<string> {
  try {
    return (await authenticatePrincipal(house.app, { fleet, principal })).actor;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}
const refused = "access_denied: the fleet trusts no pipeline under this IAM principal";

describe("SigV4: the principal that API Gateway verified, under the fleet's own patterns", () => {
  it.each([
    ["a session of the role", `${account}:assumed-role/ci-role/session`, "pipeline:aws-ci"],
    ["a user", "arn:aws:iam::123456789012:user/ci", "pipeline:user"],
    ["the first entry that covers it", `${account}:assumed-role/build-eu/session`, "pipeline:all-builds"],
    ["a role that begins so", `${account}:assumed-role/ci-role-evil/session`, refused],
    ["a role that ends so", `${account}:assumed-role/evil-ci-role/session`, refused],
    ["another account", "arn:aws:sts::999999999999:assumed-role/ci-role/session", refused],
    ["another partition", "arn:aws-cn:sts::123456789012:assumed-role/ci-role/session", refused],
    ["no session", `${account}:assumed-role/ci-role/`, refused],
    ["the role alone", `${account}:assumed-role/ci-role`, refused],
    ["a part more: * does not cross /", `${account}:assumed-role/ci-role/session/x`, refused],
    ["a part more: * does not cross :", `${account}:assumed-role/ci-role/session:x`, refused],
    ["a role's path in the role's place", `${account}:assumed-role/build-x/y/session`, refused],
    ["another case", `${account}:assumed-role/CI-role/session`, refused],
    ["the role itself, not in use", "arn:aws:iam::123456789012:role/ci-role", refused],
    ["a user that begins so", "arn:aws:iam::123456789012:user/ci2", refused],
    ["a line behind it", `${account}:assumed-role/ci-role/session\n`, refused],
    ["the account's root user", "arn:aws:iam::123456789012:root", refused],
    ["nothing", "", refused],
  ])("%s", async (_name, principal, expected) => {
    expect(await outcome(principal)).toBe(expected);
  });

  it("entries never add up", async () => {
    const principal = `${account}:assumed-role/build-eu/session`;
    const { operations } = await authenticatePrincipal(house.app, { fleet: testFleet, principal });
    expect(operations).toEqual(["listCertificates"]);
  });

  it.each([tenant, "nobody"])(
    "fleet %s, which trusts nobody or does not exist: one answer",
    async (fleet) => {
      expect(await outcome(`${account}:assumed-role/ci-role/session`, fleet)).toBe(refused);
    },
  );
});
