/** Room: test. docs/ceremony.md from a fleet with a root in the key service to one without a network, on a running server. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openssl, opensslInstalled } from "../support/openssl.ts";
import { approvedBy } from "./approved-by.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, type Person } from "./person.ts";
import { type RunResult, runCli } from "./run-cli.ts";

let server: LocalServer;
let person: Person;
beforeAll(async () => {
  server = await startLocalServer();
  person = await firstPerson(server);
}, 60_000);
afterAll(() => server.stop());

const at = (name: string): string => join(server.place, name);
/** What a command answers, for whoever types it. */
async function answered(command: Promise<RunResult>): Promise<RunResult> {
  const result = await command;
  expect(result).toMatchObject({ code: 0 });
  return result;
}
const approved = (...argv: readonly string[]): Promise<RunResult> =>
  answered(approvedBy([person], () => server.fleetkey(argv)));
const offline = (...argv: readonly string[]): Promise<RunResult> => answered(runCli(["ceremony", ...argv]));

/** Asked for again until it is made, as the guide says. */
async function fetched(...argv: readonly string[]): Promise<string> {
  let result: RunResult | undefined;
  const code = async () => {
    result = await server.fleetkey(["ceremony", "request", ...argv]);
    return result.code;
  };
  await expect.poll(code, { timeout: 90_000, interval: 1_000 }).toBe(0);
  return result?.stdout.trim() ?? "";
}

it.runIf(opensslInstalled)(
  "a root moves to a machine without a network, and the one in the key service vouches for it by itself",
  async () => {
    for (const name of ["anna", "ben"]) {
      writeFileSync(at(`${name}.pass`), `${name} has a long passphrase\n`);
      const curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256"];
      await openssl(["genpkey", ...curve, "-pass", `file:${at(`${name}.pass`)}`, "-out", at(`${name}.key`)]);
    }
    writeFileSync(at("root.pass"), "six random words, or something like it\n");
    const people = [
      ...["--participant", `${at("anna.key")},${at("ben.key")}`],
      ...["--participant-passphrase-file", `${at("anna.pass")},${at("ben.pass")}`],
    ];
    const root = ["--root-key", at("root/root-2.key"), "--passphrase-file", at("root.pass")];
    await offline(
      ...["init", "--fleet", "default", "--id", "root-2", "--algorithm", "P-384"],
      ...["--passphrase-file", at("root.pass"), "--out", at("root")],
    );

    const plan = await approved(
      "rotation",
      "plan",
      "--kind",
      "root",
      "--offline",
      "--algorithm",
      "P-384",
      "--json",
    );
    const { rolloverId } = JSON.parse(plan.stdout) as { readonly rolloverId: string };
    const digest = await fetched(rolloverId, "--out", at("request.json"));
    await offline(
      ...["sign", "--request", at("request.json"), "--digest", digest, ...root, ...people],
      ...["--csr", at("root/root-2.csr"), "--out", at("answer.json")],
    );
    await offline("verify", "--answer", at("answer.json"), "--digest", digest);
    await approved("ceremony", "import", rolloverId, "--answer", at("answer.json"));

    // The root in the key service vouches for it, by itself.
    const state = async () =>
      JSON.parse((await server.fleetkey(["rotation", "show", rolloverId, "--json"])).stdout).state;
    await expect.poll(state, { timeout: 90_000, interval: 1_000 }).toBe("published");
    const shown = await answered(server.fleetkey(["authority", "list"]));
    expect(shown.stdout).toMatch(/root-2 +root +published +P-384 +offline/);
    expect(readFileSync(at("answer.json"), "utf8")).not.toContain("PRIVATE KEY");
  },
  240_000,
);
