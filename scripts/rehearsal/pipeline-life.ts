/**
 * Room: scripts/rehearsal. A pipeline that signs with SigV4: two sides must let it in, IAM by the route, the fleet by the
 * role and the operation. AWS's own library signs; the emulator verifies signatures and policies where it evaluates IAM.
 */
import { join } from "node:path";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { iamRouteResources } from "../../infra/configuration/iam-routes.ts";
import { outputOf } from "../deployment/cdk.ts";
import { repository, runCommand } from "../deployment/command.ts";
import { stackNames } from "../deployment/stage.ts";
import type { RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

/** Roles of the rehearsal: one that both sides trust, one that only IAM does, one that only the fleet does. */
const roles = {
  trusted: "rehearsal-line-1",
  stranger: "rehearsal-other",
  unpermitted: "rehearsal-line-2",
} as const;
type RoleName = keyof typeof roles;

/** The fleet's side: both lines may ask for tokens and list, and nothing else. */
export const pipelineEntry = (account: string) => ({
  kind: "iam",
  id: "line",
  principal: `arn:aws:sts::${account}:assumed-role/rehearsal-line-*/rehearsal`,
  operations: ["createEnrollmentToken", "listCertificates"],
  profiles: ["device"],
});

interface SigningCredentials {
  readonly access_key: string;
  readonly secret_key: string;
  readonly token: string;
}

interface PipelineCall {
  readonly method: "GET" | "POST";
  /** Below `/v1/iam/fleets/`. */
  readonly path: string;
  readonly body?: object;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function python(stage: RehearsedStage, wanted: object): Promise<unknown> {
  const { emulator, directory } = stage;
  const ca = join(directory, "ca.pem");
  const env = { ...emulator.env, AWS_CA_BUNDLE: ca, SSL_CERT_FILE: ca, PYTHONDONTWRITEBYTECODE: "1" };
  const program = join(import.meta.dirname, "pipeline_caller.py");
  const options = { env, input: JSON.stringify(wanted) };
  const { code, stdout, stderr } = await runCommand(
    join(repository, ".judges/python/bin/python"),
    [program],
    options,
  );
  expectThat(code === 0, stderr.slice(-500));
  return JSON.parse(stdout);
}

const apiHost = ({ outputs, stage }: RehearsedStage): string =>
  new URL(outputOf(outputs, stackNames(stage).api, "ApiUrl")).host;

/** As `grantPipelineInvocation(grantee, fleet, …)` of infra/constructs/fleetkey.ts grants three operations of four. */
function routeArns(stage: RehearsedStage): readonly string[] {
  const { region, account, fleet } = stage;
  const [apiId = ""] = apiHost(stage).split(".", 1);
  const operations = ["createEnrollmentToken", "listCertificates", "getCertificate"] as const;
  return iamRouteResources(fleet.fleet, operations).map(
    (resource) => `arn:aws:execute-api:${region}:${account}:${apiId}/${resource}`,
  );
}

async function credentialsOf(stage: RehearsedStage, role: RoleName): Promise<SigningCredentials> {
  const RoleArn = `arn:aws:iam::${stage.account}:role/${roles[role]}`;
  const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: "rehearsal" });
  const { Credentials: found } = await stage.clients.sts.send(command);
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = found ?? {};
  return { access_key: AccessKeyId, secret_key: SecretAccessKey, token: SessionToken };
}

async function call(
  stage: RehearsedStage,
  credentials: SigningCredentials | undefined,
  { method, path, body }: PipelineCall,
): Promise<Answer> {
  const { emulator, region } = stage;
  const where = { endpoint: emulator.url, host: apiHost(stage), region };
  const what = { method, path: `/v1/iam/fleets/${path}`, body: body ?? null };
  const wanted = { act: "call", ...where, ...what, credentials: credentials ?? null };
  return (await python(stage, wanted)) as Answer;
}

/** `undefined` for what API Gateway itself answers. */
function codeOf({ body }: Answer): string | undefined {
  return (JSON.parse(body) as { readonly code?: string }).code;
}

function expectAnswer(answer: Answer, status: number, code: string | undefined): string {
  const found = codeOf(answer);
  expectThat(
    answer.status === status && found === code,
    `answered ${answer.status} ${answer.body.slice(0, 200)}`,
  );
  return `${status} ${code ?? "of the gateway"}`;
}

async function makeRoles(stage: RehearsedStage): Promise<void> {
  for (const role of Object.keys(roles) as RoleName[]) {
    const resources = role === "unpermitted" ? [] : routeArns(stage);
    await python(stage, { act: "make_role", name: roles[role], account: stage.account, resources });
  }
}

async function lives(stage: RehearsedStage, report: Report): Promise<SigningCredentials> {
  const { fleet } = stage.fleet;
  const own = await credentialsOf(stage, "trusted");
  await report.check("a pipeline makes a token, by its role and without a secret of ours", async () => {
    const body = { deviceId: "sensor-0002" };
    const answer = await call(stage, own, { method: "POST", path: `${fleet}/enrollment-tokens`, body });
    expectThat(answer.status === 201, `answered ${answer.status} ${answer.body.slice(0, 200)}`);
    stage.secrets.push((JSON.parse(answer.body) as { readonly token: string }).token);
  });
  await report.check("it lists certificates", async () => {
    const answer = await call(stage, own, { method: "GET", path: `${fleet}/certificates?limit=1` });
    return expectAnswer(answer, 200, undefined);
  });
  return own;
}

async function isRefusedByUs(
  stage: RehearsedStage,
  own: SigningCredentials,
  serialNumber: string,
  report: Report,
): Promise<void> {
  const { fleet } = stage.fleet;
  await report.check("what IAM permits and the fleet does not, the function refuses", async () => {
    const show = { method: "GET", path: `${fleet}/certificates/${serialNumber}` } as const;
    return expectAnswer(await call(stage, own, show), 403, "access_denied");
  });
  await report.check("so is a role that IAM permits and the fleet does not know", async () => {
    const stranger = await credentialsOf(stage, "stranger");
    const list = { method: "GET", path: `${fleet}/certificates` } as const;
    return expectAnswer(await call(stage, stranger, list), 403, "access_denied");
  });
  await report.check("a request that nobody signed does not get past the gateway", async () => {
    const list = { method: "GET", path: `${fleet}/certificates` } as const;
    return expectAnswer(await call(stage, undefined, list), 403, undefined);
  });
}

/** Nothing of this reaches a function: the emulator decides, from the policies and the signature. */
async function isRefusedByIam(stage: RehearsedStage, own: SigningCredentials, report: Report): Promise<void> {
  const { fleet } = stage.fleet;
  const list = { method: "GET", path: `${fleet}/certificates` } as const;
  await report.check(
    "a role that the fleet trusts and IAM does not permit is refused by the gateway",
    async () =>
      expectAnswer(await call(stage, await credentialsOf(stage, "unpermitted"), list), 403, undefined),
  );
  await report.check("so is another key's signature", async () =>
    expectAnswer(await call(stage, { ...own, secret_key: "0".repeat(40) }, list), 403, undefined),
  );
  await report.check("so are another fleet and a route that was not granted", async () => {
    const elsewhere = { method: "GET", path: "another/certificates" } as const;
    expectAnswer(await call(stage, own, elsewhere), 403, undefined);
    const devices = { method: "POST", path: `${fleet}/devices`, body: { devices: [] } } as const;
    return expectAnswer(await call(stage, own, devices), 403, undefined);
  });
}

/**
 * After `rehearseOperatorLife`, which has the fleet trust the roles.
 * @param serialNumber Of any certificate.
 */
export async function rehearsePipelineLife(
  stage: RehearsedStage,
  serialNumber: string,
  report: Report,
  { evaluatesIam }: { readonly evaluatesIam: boolean },
): Promise<void> {
  await report.need("there are roles for pipelines", () => makeRoles(stage));
  const own = await lives(stage, report);
  await isRefusedByUs(stage, own, serialNumber, report);
  if (evaluatesIam) await isRefusedByIam(stage, own, report);
}
