/**
 * Room: scripts/rehearsal. Pipelines that sign with SigV4: API Gateway lets through whom IAM lets invoke the route, and the
 * fleet's configuration decides what such a principal may do. Each of the two refuses without the other.
 */
import { join } from "node:path";
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import {
  configurationItem,
  configurationKey,
  defaultConfiguration,
  fleetConfiguration,
} from "../../core/records/fleet-configuration.ts";
import { iamRouteResources } from "../../infra/configuration/iam-routes.ts";
import { outputOf } from "../deployment/cdk.ts";
import { repository, runCommand } from "../deployment/command.ts";
import { stackNames } from "../deployment/stage.ts";
import type { RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const pipeline = "rehearsal-pipeline";
const stranger = "rehearsal-stranger";

interface SignedRequest {
  /** Who signs; null: nobody. */
  readonly role: typeof pipeline | typeof stranger | null;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Makes the two roles, the pipeline's with what `grantPipelineInvocation` grants, and sends the requests. */
async function send(stage: RehearsedStage, requests: readonly SignedRequest[]): Promise<readonly Answer[]> {
  const { account, region, emulator, directory, fleet } = stage;
  const { host, hostname } = new URL(outputOf(stage.outputs, stackNames(stage.stage).api, "ApiUrl"));
  const api = `arn:aws:execute-api:${region}:${account}:${hostname.split(".")[0]}`;
  const ca = join(directory, "ca.pem");
  const input = JSON.stringify({
    url: emulator.url,
    host,
    account,
    region,
    ca,
    roles: {
      [pipeline]: iamRouteResources(fleet.fleet).map((resource) => `${api}/${resource}`),
      [stranger]: [],
    },
    requests: requests.map(({ role, method, path, body }) => [
      role,
      method,
      path,
      body === undefined ? null : JSON.stringify(body),
    ]),
  });
  const python = join(repository, ".judges/python/bin/python");
  const script = join(import.meta.dirname, "signed_requests.py");
  const env = { ...emulator.env, AWS_CA_BUNDLE: ca, PYTHONDONTWRITEBYTECODE: "1" };
  const { code, stdout, stderr } = await runCommand(python, [script], { env, input });
  expectThat(code === 0, stderr.slice(-500));
  return (JSON.parse(stdout) as [number, string][]).map(([status, body]) => ({ status, body }));
}

/** The code of a problem; undefined where the gateway itself answers. */
function codeOf({ body }: Answer): string | undefined {
  const parsed = JSON.parse(body) as { readonly code?: string };
  return parsed.code;
}

/** As an owner would configure the fleet with a passkey, for which there is no browser here. */
async function trustPipeline({ clients, outputs, stage, account, fleet }: RehearsedStage): Promise<void> {
  const table = outputOf(outputs, stackNames(stage).state, "ItemTable");
  const items = dynamoDbItemStore({ table, client: clients.dynamodb });
  const stored = await items.get(configurationKey(fleet.fleet));
  const before = stored === undefined ? defaultConfiguration : fleetConfiguration(stored);
  const trust = {
    kind: "iam",
    id: pipeline,
    principal: `arn:aws:sts::${account}:assumed-role/${pipeline}/*`,
    operations: ["listCertificates", "createEnrollmentToken"],
    profiles: ["device"],
  } as const;
  const put = configurationItem(fleet.fleet, { ...before, pipelines: [...before.pipelines, trust] });
  await items.transact([{ put, when: stored?.version ?? "absent" }]);
}

export async function rehearsePipelines(stage: RehearsedStage, report: Report): Promise<void> {
  const at = (fleet: string): string => `/v1/iam/fleets/${fleet}`;
  const own = at(stage.fleet.fleet);
  const list = { method: "GET", path: `${own}/certificates` } as const;
  const expectRefused = async (request: SignedRequest, code: string | undefined): Promise<void> => {
    const [answer = { status: 0, body: "{}" }] = await send(stage, [request]);
    const found = answer.status === 403 ? codeOf(answer) : `${answer.status}`;
    expectThat(found === code, `answered ${answer.status} ${answer.body.slice(0, 200)}`);
  };
  await report.check("a request to an IAM route that nobody signed is refused by the gateway", () =>
    expectRefused({ role: null, ...list }, undefined),
  );
  await report.check("one that a role signed which may not invoke it is refused by the gateway", () =>
    expectRefused({ role: stranger, ...list }, undefined),
  );
  await report.check("one that a granted role signed, which the fleet does not trust, is refused by us", () =>
    expectRefused({ role: pipeline, ...list }, "access_denied"),
  );
  await report.need("the fleet trusts the role for two operations", () => trustPipeline(stage));
  await report.check("then it lists certificates and creates a token", async () => {
    const token = { method: "POST", path: `${own}/enrollment-tokens`, body: { deviceId: "signed-1" } } as const;
    const [listed, created] = await send(stage, [
      { role: pipeline, ...list },
      { role: pipeline, ...token },
    ]);
    expectThat(listed?.status === 200, `list: ${listed?.status} ${listed?.body.slice(0, 200)}`);
    expectThat(created?.status === 201, `token: ${created?.status} ${created?.body.slice(0, 200)}`);
    stage.secrets.push((JSON.parse(created.body) as { readonly token: string }).token);
  });
  await report.check("for what the fleet does not name it is refused by us, on another fleet by the gateway", async () => {
    const devices = { method: "POST", path: `${own}/devices`, body: { devices: [{ deviceId: "signed-2" }] } } as const;
    await expectRefused({ role: pipeline, ...devices }, "access_denied");
    await expectRefused({ role: pipeline, method: "GET", path: `${at("another")}/certificates` }, undefined);
  });
  await report.check("a trusted fleet's own path without a signature stays closed", () =>
    expectRefused({ role: null, ...list }, undefined),
  );
}
