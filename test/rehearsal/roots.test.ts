/** Room: test. Roots are lent for a deployment's time: against a KMS that keeps grants, refuses, and is cut off. */
import {
  CreateGrantCommand,
  DescribeKeyCommand,
  type KMSClient,
  NotFoundException,
  RevokeGrantCommand,
} from "@aws-sdk/client-kms";
import { beforeEach, describe, expect, it } from "vitest";
import { StepFailure } from "../../scripts/deployment/failure.ts";
import { withRoots } from "../../scripts/deployment/roots.ts";

const arn = (generation: number) => `arn:aws-cn:kms:cn-north-1:123456789012:key/root-${generation}`;

/** Grants by id; what each call was, in order. */
let grants: Map<string, { readonly key: string; readonly grantee: string }>;
let calls: string[];
/** By generation. */
let states: Record<number, string>;
/** Calls that fail, by name, and how. */
let failures: Record<string, Error>;

beforeEach(() => {
  [grants, calls, states, failures] = [new Map(), [], { 1: "Enabled" }, {}];
});

const named = (name: string) => Object.assign(new Error(name), { name });
const missing = () => new NotFoundException({ message: "gone", $metadata: {} });

function describeKey(alias: string): object {
  const generation = Number(/-root-(\d)$/.exec(alias)?.[1]);
  const KeyState = states[generation];
  if (KeyState === undefined || !alias.startsWith("alias/fleetkey/prod/pumps-")) throw missing();
  return { KeyMetadata: { Arn: arn(generation), KeyState } };
}

const kms = {
  async send(command: unknown): Promise<object> {
    await Promise.resolve();
    const name = (command as object).constructor.name.replace("Command", "");
    calls.push(name);
    if (failures[name] !== undefined) throw failures[name];
    if (command instanceof DescribeKeyCommand) return describeKey(command.input.KeyId ?? "");
    if (command instanceof CreateGrantCommand) {
      const { KeyId: key = "", GranteePrincipal: grantee = "", Name, Operations } = command.input;
      expect({ Name, Operations }).toEqual({ Name: "deployment-pumps", Operations: ["Sign"] });
      // As KMS does: the same name and parameters are the same grant.
      const GrantId = `grant-of-${key}`;
      grants.set(GrantId, { key, grantee });
      return { GrantId, GrantToken: `token-of-${key}` };
    }
    if (!(command instanceof RevokeGrantCommand)) throw new Error(`unexpected ${name}`);
    if (!grants.delete(command.input.GrantId ?? "")) throw missing();
    return {};
  },
} as unknown as KMSClient;

const request = { kms, stage: "prod", region: "cn-north-1", fleet: "pumps", configuration: {} };
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("the roots of a fleet", () => {
  it("are lent to the bootstrap's role of the very stage, and back when the work is done", async () => {
    const result = await withRoots(request, async (tokens) => {
      expect(tokens).toEqual([`token-of-${arn(1)}`]);
      expect([...grants.values()]).toEqual([
        { key: arn(1), grantee: "arn:aws-cn:iam::123456789012:role/fleetkey-prod-cn-north-1-bootstrap" },
      ]);
      return "done";
    });
    expect(result).toBe("done");
    expect(grants.size).toBe(0);
  });

  it("are back when the work fails, and its failure is what people see", async () => {
    const failure = await failureOf(withRoots(request, () => Promise.reject(new Error("bootstrap"))));
    expect(failure).toMatchObject({ message: "bootstrap" });
    expect(grants.size).toBe(0);
  });

  it("are those of every generation that is named and enabled: none that is on its way to destruction or not there", async () => {
    states = { 2: "PendingDeletion", 3: "Enabled" };
    const configuration = { keys: { root: { from: 2, to: 4 } } };
    const tokens = await withRoots({ ...request, configuration }, async (lent) => lent);
    expect(tokens).toEqual([`token-of-${arn(3)}`]);
    expect(grants.size).toBe(0);
  });

  it("that an earlier run left on loan are back after this one", async () => {
    failures = { RevokeGrant: named("ServiceUnavailable") };
    await failureOf(withRoots(request, async () => "killed"));
    expect(grants.size).toBe(1);
    failures = {};
    await withRoots(request, async () => "done");
    expect(grants.size).toBe(0);
  });

  it("without a second factor are lent to nobody, and nothing is done: the refusal says how to go on", async () => {
    failures = { CreateGrant: named("AccessDeniedException") };
    let isDone = false;
    const failure = await failureOf(
      withRoots(request, async () => {
        isDone = true;
      }),
    );
    expect(failure).toBeInstanceOf(StepFailure);
    expect(failure).toMatchObject({ message: expect.stringContaining("second factor") as string });
    expect((failure as StepFailure).remedy).toMatch(/sign in with MFA .*--without-roots/);
    expect(isDone).toBe(false);
  });

  it("of which one can be lent and the next cannot are all back", async () => {
    states = { 1: "Enabled", 2: "Enabled" };
    const refusingSecond = {
      send: (command: unknown) => {
        if (command instanceof CreateGrantCommand && grants.size === 1) throw named("LimitExceededException");
        return kms.send(command as CreateGrantCommand);
      },
    } as unknown as KMSClient;
    const configuration = { keys: { root: 2 } };
    const work = withRoots({ ...request, kms: refusingSecond, configuration }, async () => "done");
    expect(await failureOf(work)).toMatchObject({ name: "LimitExceededException" });
    expect(grants.size).toBe(0);
  });

  it("that cannot be taken back are named, with the command that does it; one that is back already is well", async () => {
    failures = { RevokeGrant: named("ServiceUnavailable") };
    const failure = await failureOf(withRoots(request, async () => "done"));
    expect((failure as StepFailure).remedy).toContain(
      `aws kms revoke-grant --key-id ${arn(1)} --grant-id grant-of-${arn(1)}`,
    );
    failures = {};
    expect(
      await withRoots(request, async () => {
        grants.clear();
        return "done";
      }),
    ).toBe("done");
  });
});
