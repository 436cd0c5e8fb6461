/** Room: cli. The documents of an offline ceremony as files: read strictly, written whole, never over another. */
import { decodePem } from "../core/formats/pem.ts";
import { type OfflineAnswer, readAnswer } from "../core/rotation/offline/answer.ts";
import { type OfflineRequest, readRequest, requestDigest } from "../core/rotation/offline/request.ts";
import {
  publicMode,
  readCredentialFile,
  readFileBytes,
  readFileIfPresent,
  writeFileAtomically,
} from "./credential-files.ts";
import { Failure } from "./failure.ts";

const maximumOctets = 1_048_576;

const readText = async (path: string): Promise<string> =>
  (await readFileBytes(path, maximumOctets)).toString("utf8");

/** @throws AppError ceremony_invalid. */
export const readRequestFile = async (path: string): Promise<OfflineRequest> =>
  readRequest(await readText(path));

/** @throws AppError ceremony_invalid. */
export const readAnswerFile = async (path: string): Promise<OfflineAnswer> =>
  readAnswer(await readText(path));

/** DER of the one PKCS #10 request in the file. */
export async function readCsrFile(path: string): Promise<Uint8Array> {
  const [der, ...others] = decodePem(await readCredentialFile(path), "CERTIFICATE REQUEST");
  if (der !== undefined && others.length === 0) return der;
  throw new Failure("localFile", "csr_malformed", `${path} does not hold one certification request`);
}

/** @throws Failure file_exists: nothing is written over. */
export async function writeNewFile(path: string, content: string, mode: number = publicMode): Promise<void> {
  if ((await readFileIfPresent(path)) !== undefined)
    throw new Failure("localFile", "file_exists", `${path} is there already and is not written over`, {
      remedy: "name another file, or move that one away",
    });
  await writeFileAtomically(path, content, mode);
}

/** That the request is the one that people saw where it was made. @throws Failure request_changed. */
export function assertDigest(request: OfflineRequest, wanted: string): void {
  const found = requestDigest(request);
  if (found === wanted.replaceAll(/[\s:]/g, "").toLowerCase()) return;
  throw new Failure(
    "untrusted",
    "request_changed",
    `the request has SHA-256 ${found}, not the digest that was given`,
    {
      remedy:
        "it is not the request that was fetched, or it was changed on the way: nothing was signed; fetch it again",
    },
  );
}

/** `A,B` as its parts. */
export const filesOf = (text: string | undefined): readonly string[] =>
  (text ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
