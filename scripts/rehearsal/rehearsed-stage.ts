/** Room: scripts/rehearsal. A stage deployed to the emulator, and the ways to reach it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DescribeKeyCommand } from "@aws-sdk/client-kms";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import type { FleetApi } from "../../cli/fleet-api.ts";
import { createFleetApi } from "../../cli/fleet-api.ts";
import { type ClientCredential, createHttpsClient, type HttpsClient } from "../../cli/https-client.ts";
import { emulatorAccount } from "../../infra/configuration/emulator.ts";
import type { Assembly, StackOutputs } from "../deployment/cdk.ts";
import { type CommandResult, runFleetkey } from "../deployment/command.ts";
import { type BootstrappedFleet, operatorFiles } from "../deployment/operator.ts";
import { createToken } from "../deployment/smoke.ts";
import type { Clients } from "./aws-clients.ts";
import type { Emulator } from "./emulator.ts";
import type { Front } from "./front.ts";

/** As cdk.json describes it. */
export const rehearsed = {
  stage: "rehearsal",
  account: emulatorAccount,
  region: "eu-central-1",
  fleet: "default",
} as const;

export interface RehearsedStage {
  readonly stage: string;
  readonly region: string;
  readonly account: string;
  /** Working files; removed in the end. */
  readonly directory: string;
  readonly emulator: Emulator;
  readonly front: Front;
  readonly clients: Clients;
  readonly assembly: Assembly;
  readonly outputs: StackOutputs;
  readonly provisioningFunction: string;
  readonly fleet: BootstrappedFleet;
  /** Holds what the fleet's bootstrap wrote. */
  readonly operatorDirectory: string;
  /** PEM of the authority that vouches for the front and the emulator. */
  readonly ca: string;
  /** What must be in no log: tokens and requests, as they are made. */
  readonly secrets: string[];
}

/** Its own clients' environment: the machine's roots are those of the front, and nothing else is set. */
export function fleetkeyEnvironment({ directory }: RehearsedStage): NodeJS.ProcessEnv {
  const home = join(directory, "home");
  return { PATH: process.env["PATH"], HOME: home, SSL_CERT_FILE: join(directory, "ca.pem"), NO_COLOR: "1" };
}

/** `fleetkey`, as a person would run it against the deployed service. */
export function fleetkey(stage: RehearsedStage, argv: readonly string[], input = ""): Promise<CommandResult> {
  return runFleetkey(argv, { env: fleetkeyEnvironment(stage), directory: stage.directory, input });
}

/** Flags of an operator's command. */
export function operatorFlags({ front, fleet, operatorDirectory }: RehearsedStage): readonly string[] {
  const files = operatorFiles(operatorDirectory);
  const service = ["--url", front.url, "--fleet", fleet.fleet, "--ca", "system"];
  return [...service, "--cert", files.certificate, "--key", files.key];
}

export async function operatorCredential({ operatorDirectory }: RehearsedStage): Promise<ClientCredential> {
  const files = operatorFiles(operatorDirectory);
  return {
    certificate: await readFile(files.certificate, "utf8"),
    privateKey: await readFile(files.key, "utf8"),
  };
}

/** The credential in a directory that `device enroll` wrote. */
export async function deviceCredential(directory: string): Promise<ClientCredential> {
  return {
    certificate: await readFile(join(directory, "fullchain.pem"), "utf8"),
    privateKey: await readFile(join(directory, "device.key"), "utf8"),
  };
}

export interface Connection {
  readonly client: HttpsClient;
  readonly api: FleetApi;
}

/** Runs `work` with connections of this process, for what must be timed or sent out of shape. */
export async function connected<T>(
  { front, fleet, ca }: RehearsedStage,
  credential: ClientCredential | undefined,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const client = createHttpsClient({ url: front.url, ca, credential });
  const interrupted = new AbortController().signal;
  try {
    return await work({
      client,
      api: createFleetApi({ client, fleet: fleet.fleet, now: Date.now, interrupted }),
    });
  } finally {
    client.close();
  }
}

/** A one-time token through the provisioning function, remembered as a secret. */
export async function takeToken(stage: RehearsedStage, deviceId: string): Promise<string> {
  const { clients, provisioningFunction, fleet } = stage;
  const request = { lambda: clients.lambda, provisioningFunction, fleet: fleet.fleet };
  const token = await createToken(request, deviceId);
  stage.secrets.push(token);
  return token;
}

/** Ids of the keys to which the aliases of the fleet's root and issuing key lead. */
export function signingKeys({ clients, stage, fleet }: RehearsedStage): Promise<readonly string[]> {
  const found = ["root-1", "issuing-1"].map(async (name) => {
    const KeyId = `alias/fleetkey/${stage}/${fleet.fleet}-${name}`;
    const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
    return KeyMetadata?.KeyId ?? "";
  });
  return Promise.all(found);
}

/** Name of the role of a function, as the stacks give it. */
export const roleOf = ({ stage, region }: RehearsedStage, duty: string): string =>
  `fleetkey-${stage}-${region}-${duty}`;

/** Name of the function that runs as the role of `duty`. */
export async function functionOf(stage: RehearsedStage, duty: string): Promise<string> {
  const { Functions = [] } = await stage.clients.lambda.send(new ListFunctionsCommand({}));
  const found = Functions.find(({ Role }) => Role?.endsWith(`/${roleOf(stage, duty)}`));
  if (found?.FunctionName !== undefined) return found.FunctionName;
  throw new Error(`no function runs as ${roleOf(stage, duty)}`);
}
