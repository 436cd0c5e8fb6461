/**
 * Room: scripts/rehearsal. How the stage comes to the emulator: by `npm run deploy` itself, smoke enrolment and all,
 * or by its steps one by one, so that each is timed and named.
 */
import { emulatorAccount } from "../../infra/configuration/emulator.ts";
import { bootstrapVersion, identifyCaller } from "../deployment/account.ts";
import { type Assembly, deployStacks, outputOf, runCdk, type StackOutputs } from "../deployment/cdk.ts";
import { runCommand } from "../deployment/command.ts";
import { refuseLosses } from "../deployment/losses.ts";
import { stackNames } from "../deployment/stage.ts";
import type { Clients } from "./aws-clients.ts";
import type { Emulator } from "./emulator.ts";
import type { Ending } from "./endings.ts";
import { type Front, startFront } from "./front.ts";
import { rehearsed } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";
import type { ServerFiles } from "./throwaway-authority.ts";

/** Where there is nothing yet but an emulator. */
export interface Site {
  readonly server: ServerFiles;
  readonly emulator: Emulator;
  readonly clients: Clients;
  readonly assembly: Assembly;
  /** `--operator-dir`: holds a folder for each fleet. */
  readonly operatorsDirectory: string;
  readonly endings: Ending[];
}

export interface Deployed {
  readonly outputs: StackOutputs;
  readonly front: Front;
}

const { state, api } = stackNames(rehearsed.stage);

async function openFront(site: Site, host: string | Promise<string>): Promise<Front> {
  const front = await startFront({ server: site.server, target: site.emulator.url, host });
  site.endings.push({ name: "the front", end: () => front.close() });
  return front;
}

/** The words of `npm run deploy` for the rehearsed stage. */
export const deployWords = (operatorsDirectory: string): readonly string[] => {
  const flags = ["--stage", rehearsed.stage, "--yes", "--context", "fleetkey:emulator=true"];
  return ["scripts/deploy.ts", ...flags, "--operator-dir", operatorsDirectory];
};

/** Outputs of all stacks, from the lines that `npm run deploy` prints for other programs. */
export function readOutputs(stdout: string): StackOutputs {
  const outputs: Record<string, Record<string, string>> = {};
  for (const [, stack = "", name = "", value = ""] of stdout.matchAll(/^([\w-]+)\.(\w+)=(.*)$/gm))
    outputs[stack] = { ...outputs[stack], [name]: value };
  return outputs;
}

/** The command prints where the API is before its smoke enrolment; the front has to know by then, and not before. */
export async function deployByCommand(site: Site, report: Report): Promise<Deployed> {
  const { promise: host, resolve } = Promise.withResolvers<string>();
  const front = await openFront(site, host);
  let heard = "";
  const onStdout = (text: string): void => {
    heard += text;
    const url = readOutputs(heard)[api]?.["ApiUrl"];
    if (url !== undefined && heard.includes(`${url}\n`)) resolve(new URL(url).host);
  };
  const words = [...deployWords(site.operatorsDirectory), "--bootstrap", "--front", front.url];
  const env = { ...site.emulator.env, SSL_CERT_FILE: site.server.authority };
  const { stdout, stderr } = await report.need("npm run deploy, in an account where nothing is", async () => {
    const result = await runCommand(process.execPath, words, { env, onStdout });
    expectThat(result.code === 0, `exit ${result.code}: ${result.stderr.split("\n").slice(-12).join("\n")}`);
    return result;
  });
  await report.check("it bootstraps the account, and finds it bootstrapped then", async () => {
    expectThat(stderr.includes(`== CDK bootstrap of aws://${rehearsed.account}/`), "it does not say so");
    const version = (await bootstrapVersion(site.clients.ssm)) ?? 0;
    expectThat(version >= site.assembly.bootstrapVersion, `the bootstrap stack has version ${version}`);
  });
  await report.check("its smoke enrolment enrols, renews and revokes", async () => {
    const said = /: enrolled, renewed, revoked; serial (\S+), chain verified/.exec(stderr);
    expectThat(said !== null, stderr.split("\n").slice(-5).join("\n"));
    return said[1];
  });
  return { outputs: readOutputs(stdout), front };
}

export async function deployBySteps(site: Site, report: Report): Promise<Deployed> {
  const { emulator, assembly, clients } = site;
  const cdk = { env: emulator.env, isShown: false };
  await report.need("the deployment's account and region are the emulator's", async () => {
    const caller = await identifyCaller(clients.sts, rehearsed.stage);
    expectThat(caller.account === emulatorAccount, caller.arn);
  });
  const place = `aws://${rehearsed.account}/${rehearsed.region}`;
  await report.need("cdk bootstrap", () =>
    runCdk(["bootstrap", place, "--app", assembly.directory], cdk).then(() => undefined),
  );
  await report.need(`the bootstrap stack has version ${assembly.bootstrapVersion} at least`, async () => {
    const version = (await bootstrapVersion(clients.ssm)) ?? 0;
    expectThat(version >= assembly.bootstrapVersion, `it has ${version}`);
  });
  await report.check("a first deployment loses nothing", () =>
    refuseLosses(assembly, state, { env: emulator.env, accepted: [] }),
  );
  const outputs = await report.need("cdk deploy", () => deployStacks(assembly, [state, api], cdk));
  return { outputs, front: await openFront(site, new URL(outputOf(outputs, api, "ApiUrl")).host) };
}
