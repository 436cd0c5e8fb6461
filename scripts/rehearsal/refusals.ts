/** Room: scripts/rehearsal. Who is turned away at the deployed API, and what it says to paths that are nobody's. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientCredential, HttpRequest, HttpResponse } from "../../cli/https-client.ts";
import { runCommand } from "../deployment/command.ts";
import { forwardedCertificateHeader } from "./forwarded-certificate.ts";
import { connected, operatorCredential, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

/** A certificate like the operator's that an authority of nobody's signed: itself. */
async function strangerCredential({ directory }: RehearsedStage): Promise<ClientCredential> {
  const place = join(directory, "stranger");
  await mkdir(place, { recursive: true });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
  const args = ["req", "-x509", ...key, "-subj", "/CN=operator-1", "-days", "1", "-out", "certificate.pem"];
  const { code, stderr } = await runCommand("openssl", args, { directory: place });
  expectThat(code === 0, stderr);
  return {
    certificate: await readFile(join(place, "certificate.pem"), "utf8"),
    privateKey: await readFile(join(place, "key.pem"), "utf8"),
  };
}

interface Expected {
  readonly status: number;
  /** Of the problem; left out where the gateway itself answers. */
  readonly code?: string;
  /** What the body has to hold. */
  readonly holds?: string;
}

function codeOf({ body }: HttpResponse): string | undefined {
  try {
    return (JSON.parse(body.toString("utf8")) as { readonly code?: string }).code;
  } catch {
    return undefined;
  }
}

export async function rehearseRefusals(stage: RehearsedStage, report: Report): Promise<void> {
  const fleet = `/v1/fleets/${stage.fleet.fleet}`;
  const list: HttpRequest = { method: "GET", path: `${fleet}/certificates?limit=1` };
  const operator = await operatorCredential(stage);
  const stranger = await strangerCredential(stage);
  const forged = { [forwardedCertificateHeader]: encodeURIComponent(operator.certificate) };
  const answers = (
    title: string,
    credential: ClientCredential | undefined,
    request: HttpRequest,
    expected: Expected,
  ): Promise<void> =>
    report.check(title, async () => {
      const response = await connected(stage, credential, ({ client }) => client.send(request));
      const code = codeOf(response);
      const isSo =
        response.status === expected.status &&
        (expected.code === undefined || code === expected.code) &&
        response.body.includes(expected.holds ?? "");
      expectThat(isSo, `answered ${response.status} ${code ?? response.body.toString("utf8").slice(0, 200)}`);
    });

  await answers("the operator's certificate is taken", operator, list, { status: 200 });
  await answers("no certificate is refused", undefined, list, {
    status: 401,
    code: "client_certificate_required",
  });
  const untrusted = { status: 403, code: "client_certificate_untrusted" };
  await answers("a stranger's certificate of the same name is refused", stranger, list, untrusted);
  await answers(
    "a header that claims the operator's certificate is not believed",
    undefined,
    { ...list, headers: forged },
    { status: 401, code: "client_certificate_required" },
  );
  await answers(
    "a stranger with that header is still a stranger",
    stranger,
    { ...list, headers: forged },
    untrusted,
  );
  await answers("healthz is well", undefined, { method: "GET", path: "/healthz" }, { status: 200 });
  await answers(
    "the trust bundle is public, and holds the fleet's root",
    undefined,
    { method: "GET", path: `${fleet}/trust.pem` },
    { status: 200, holds: stage.fleet.root.trim() },
  );
  const nowhere: HttpRequest = { method: "GET", path: `${fleet}/nowhere` };
  await answers("an unknown path is 404", undefined, nowhere, { status: 404 });
  const otherMethod: HttpRequest = {
    method: "POST",
    path: "/healthz",
    headers: { "content-type": "application/json" },
    body: "{}",
  };
  await answers("another method is 405", undefined, otherMethod, { status: 405, code: "method_not_allowed" });
}
