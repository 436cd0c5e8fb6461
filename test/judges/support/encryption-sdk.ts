/** Room: test/judges/support. Asks the AWS Encryption SDK for Python, which `.ci/install-emulators` installs. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import type { EncryptionContext } from "../../../core/ports.ts";
import { python } from "../../support/emulators.ts";

const script = resolve(import.meta.dirname, "encryption-sdk.py");
const answerBytes = 64 * 1024 * 1024;

export type PythonKeyring =
  | { readonly namespace: string; readonly name: string; readonly key: Buffer }
  | { readonly kmsKeyId: string; readonly url: string; readonly region: string };

export type PythonSuite =
  | "AES_256_GCM_HKDF_SHA512_COMMIT_KEY"
  | "AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384";

export interface PythonTask {
  readonly context: EncryptionContext;
  /** To encrypt, or … */
  readonly plaintext?: Buffer;
  readonly suite?: PythonSuite;
  readonly frameLength?: number;
  /** … to decrypt. */
  readonly message?: Buffer;
}

export interface PythonAnswer {
  readonly message?: Buffer;
  readonly plaintext?: Buffer;
  readonly context?: EncryptionContext;
  readonly suite?: PythonSuite;
  /** Name of the exception. */
  readonly failure?: string;
}

/** Answers in the order of the tasks. */
export function askPython(
  keyring: PythonKeyring,
  tasks: readonly PythonTask[],
): Promise<readonly PythonAnswer[]> {
  const question = JSON.stringify({ keyring: withBase64(keyring), tasks: tasks.map(withBase64) });
  return new Promise((settle, reject) => {
    const options = { timeout: 120_000, maxBuffer: answerBytes };
    const child = execFile(python, [script], options, (error, stdout) => {
      if (error === null) settle((JSON.parse(stdout) as Record<string, unknown>[]).map(withBuffers));
      else reject(error);
    });
    child.stdin?.end(question);
  });
}

function withBase64(fields: object): object {
  const encoded = Object.entries(fields).map(([name, value]) => [
    name,
    Buffer.isBuffer(value) ? value.toString("base64") : value,
  ]);
  return Object.fromEntries(encoded);
}

const withBuffers = (answer: Record<string, unknown>): PythonAnswer =>
  Object.fromEntries(
    Object.entries(answer).map(([name, value]) =>
      name === "message" || name === "plaintext"
        ? [name, Buffer.from(String(value), "base64")]
        : [name, value],
    ),
  );
