/**
 * Room: adapters/aws. The CertificateManager on AWS Certificate Manager. A new import whose answer was lost is another
 * certificate when it is repeated: ACM has no token for that. It keeps the tags below, by which people find it.
 */
import {
  ACMClient,
  type CertificateDetail,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  ImportCertificateCommand,
} from "@aws-sdk/client-acm";
import { AppError, isAppError } from "../../core/errors.ts";
import type { CertificateManager, HeldCertificate, ServerMaterial } from "../../core/ports.ts";
import { refusalOf } from "./acm/refusals.ts";
import { callMilliseconds, clientConfiguration } from "./client-configuration.ts";

export interface AcmCertificateManagerOptions {
  /** On every new certificate, besides `fleetkey:name`; such as `fleetkey:stage`. @default none */
  readonly tags?: Readonly<Record<string, string>>;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: ACMClient;
  /** Milliseconds after which a call gives up, retries included. @default 8,000 */
  readonly patience?: number;
}

/** Where our name for it stands. */
const nameTag = "fleetkey:name";

/**
 * As the port promises. Besides what the port names, a call throws configuration_invalid: no permission, no credentials.
 */
export function acmCertificateManager(options: AcmCertificateManagerOptions = {}): CertificateManager {
  const { tags = {}, client = new ACMClient(clientConfiguration()), patience = callMilliseconds } = options;
  return new AcmCertificateManager(client, tags, patience);
}

/** ACM names a key by OpenSSL's curve, or by its type and size: in describing, with underscores or hyphens. */
const keyAlgorithms: Readonly<Record<string, string>> = {
  EC_prime256v1: "P-256",
  EC_secp384r1: "P-384",
  RSA_2048: "RSA-2048",
  "RSA-2048": "RSA-2048",
  RSA_3072: "RSA-3072",
  "RSA-3072": "RSA-3072",
  RSA_4096: "RSA-4096",
  "RSA-4096": "RSA-4096",
};

/** `00:1a:2b:…` in our form: whole octets of lowercase hexadecimal, without leading zeros. */
function serialNumberOf(serial: string): string {
  const digits = serial
    .split(":")
    .map((octet) => (octet.length % 2 === 0 ? octet : `0${octet}`))
    .join("");
  return digits.toLowerCase().replace(/^(?:00)+(?=..)/, "");
}

function held(certificateId: string, detail: CertificateDetail): HeldCertificate {
  const { Serial, NotAfter, KeyAlgorithm = "unknown", ImportedAt, InUseBy = [] } = detail;
  if (Serial === undefined || NotAfter === undefined)
    throw new AppError("certificate_manager_refused", `certificate ${certificateId} was not imported`);
  return {
    certificateId,
    serialNumber: serialNumberOf(Serial),
    notAfter: NotAfter.getTime(),
    keyAlgorithm: keyAlgorithms[KeyAlgorithm] ?? KeyAlgorithm,
    importedAt: ImportedAt?.getTime() ?? 0,
    inUse: InUseBy.length > 0,
  };
}

class AcmCertificateManager implements CertificateManager {
  readonly #client: ACMClient;
  readonly #tags: Readonly<Record<string, string>>;
  readonly #patience: number;

  constructor(client: ACMClient, tags: Readonly<Record<string, string>>, patience: number) {
    this.#client = client;
    this.#tags = tags;
    this.#patience = patience;
  }

  async import(name: string, material: ServerMaterial, replaces?: string): Promise<string> {
    const { certificate, chain, privateKey } = material;
    const tags = Object.entries({ ...this.#tags, [nameTag]: name });
    const command = new ImportCertificateCommand({
      Certificate: Buffer.from(certificate),
      PrivateKey: privateKey,
      ...(chain === "" ? {} : { CertificateChain: Buffer.from(chain) }),
      // What is there keeps its tags, and takes none with an import.
      ...(replaces === undefined
        ? { Tags: tags.map(([Key, Value]) => ({ Key, Value })) }
        : { CertificateArn: replaces }),
    });
    const { CertificateArn: certificateId } = await this.#send(replaces ?? name, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    if (certificateId !== undefined) return certificateId;
    throw new AppError("certificate_manager_unavailable", `certificate ${name}: the answer names no ARN`);
  }

  async describe(certificateId: string): Promise<HeldCertificate | undefined> {
    const command = new DescribeCertificateCommand({ CertificateArn: certificateId });
    try {
      const { Certificate: detail } = await this.#send(certificateId, (abortSignal) =>
        this.#client.send(command, { abortSignal }),
      );
      return detail === undefined ? undefined : held(certificateId, detail);
    } catch (error) {
      if (isAppError(error, "certificate_not_held")) return undefined;
      throw error;
    }
  }

  async remove(certificateId: string): Promise<void> {
    const command = new DeleteCertificateCommand({ CertificateArn: certificateId });
    try {
      await this.#send(certificateId, (abortSignal) => this.#client.send(command, { abortSignal }));
    } catch (error) {
      if (!isAppError(error, "certificate_not_held")) throw error;
    }
  }

  async #send<Answer>(what: string, send: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    try {
      return await send(AbortSignal.timeout(this.#patience));
    } catch (cause) {
      throw refusalOf(`certificate ${what}`, cause);
    }
  }
}
