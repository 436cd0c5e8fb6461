/**
 * Room: test/judges. A client of an emulator of AWS Certificate Manager. Neither emulator describes what it holds as ACM
 * does (moto: a serial number in decimal; ministack reads no certificate at all), so descriptions are completed from the
 * certificate itself, which both give back. Requests may be throttled on their way, and are kept.
 */
import { X509Certificate } from "node:crypto";
import { ACMClient, type CertificateDetail, GetCertificateCommand } from "@aws-sdk/client-acm";
import { acmCertificateManager } from "../../../adapters/aws/acm-certificate-manager.ts";
import { clientConfiguration } from "../../../adapters/aws/client-configuration.ts";
import type { CertificateManager } from "../../../core/ports.ts";
import type { ModelledRequest } from "../../support/aws-model.ts";
import { type Emulator, emulatorClient } from "../../support/emulators.ts";
import { faultyRequests, type RequestFault } from "./faulty-requests.ts";
import { impatientRetries } from "./impatient-retries.ts";

export interface AcmService {
  readonly manager: CertificateManager;
  /** Without completed descriptions and without faults. */
  readonly plain: ACMClient;
  /** What happens to the next requests. */
  fault: RequestFault;
  /** The operations that were called, as JSON 1.1 carries them. */
  readonly called: ModelledRequest[];
  readonly close: () => Promise<void>;
}

const keyAlgorithms: Readonly<Record<string, string>> = {
  prime256v1: "EC_prime256v1",
  secp384r1: "EC_secp384r1",
};

/** As ACM describes it. Source: ACM API reference, CertificateDetail. */
function described(pem: string): Partial<CertificateDetail> {
  const { serialNumber, validToDate, publicKey } = new X509Certificate(pem);
  const { namedCurve = "", modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  return {
    Serial: serialNumber.toLowerCase().match(/../g)?.join(":") ?? "",
    NotAfter: validToDate,
    KeyAlgorithm: (keyAlgorithms[namedCurve] ?? `RSA-${modulusLength}`) as CertificateDetail["KeyAlgorithm"],
  };
}

/** Octets in base64, as they are at this time: the caller overwrites a key. */
const asJson = (input: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
    ]),
  );

export async function openAcmService(start: () => Promise<Emulator>): Promise<AcmService> {
  const { url, close: stop } = await start();
  const plain = new ACMClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });
  const faults = faultyRequests(
    () => service.fault,
    () => undefined,
  );
  const client = new ACMClient({
    ...clientConfiguration({ requestHandler: faults.handler }),
    ...emulatorClient,
    endpoint: url,
    retryStrategy: impatientRetries(3),
  });
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        service.called.push({
          operation: String(commandName).replace(/Command$/, ""),
          body: asJson(args.input),
        });
        const result = await next(args);
        const { Certificate: detail } = result.output as { Certificate?: CertificateDetail };
        if (commandName !== "DescribeCertificateCommand" || detail === undefined) return result;
        const command = new GetCertificateCommand({ CertificateArn: detail.CertificateArn });
        const { Certificate: pem = "" } = await plain.send(command);
        const ImportedAt = detail.ImportedAt ?? detail.CreatedAt;
        const completed = { ...result.output, Certificate: { ...detail, ImportedAt, ...described(pem) } };
        return { ...result, output: completed };
      },
    { step: "initialize", name: "completed" },
  );
  const service: AcmService = {
    manager: acmCertificateManager({ client, tags: { "fleetkey:stage": "judged" } }),
    plain,
    fault: "none",
    called: [],
    async close() {
      client.destroy();
      plain.destroy();
      await stop();
    },
  };
  return service;
}
