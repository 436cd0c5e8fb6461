/** Room: test. A secret in every form in which somebody may have written it down, and the files that hold one of them. */
import { relative, sep } from "node:path";
import { filesOf } from "../house/canary/service.ts";

/** Fewer octets stand in any file by chance. */
const telling = 12;

function textForms(octets: Buffer): readonly string[] {
  // Without its end, which depends on what follows; so a longer text that begins with it is found too.
  const base64 = octets.toString("base64").replace(/.?.?=*$/, "");
  return [base64, base64.replaceAll("+", "-").replaceAll("/", "_"), octets.toString("hex")];
}

/** What base64 or base64url stands for, where it is one. */
function decoded(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/_-]{20,}={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, text.includes("-") || text.includes("_") ? "base64url" : "base64");
}

/** As it is, in base64, base64url and hexadecimal; of base64 also what it stands for, in the same forms. */
export function formsOf(secret: string | Buffer): readonly Buffer[] {
  const octets = Buffer.from(secret as string);
  const inner = typeof secret === "string" ? decoded(secret) : undefined;
  const all = [octets, ...(inner === undefined ? [] : [inner])];
  const texts = all.flatMap(textForms).map((text) => Buffer.from(text));
  return [...all, ...texts].filter((form) => form.byteLength >= telling);
}

/** Every file below `directory`, by its path in it parted by `/`; also those in which owners keep a key. */
export async function octetsBelow(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = await filesOf(directory, () => true);
  return new Map(
    [...files].map(([path, octets]) => [relative(directory, path).split(sep).join("/"), octets] as const),
  );
}

/** `file: which secret`, for each of `secrets` that stands in a file in any form. */
export function holders(
  files: ReadonlyMap<string, Buffer>,
  secrets: ReadonlyMap<string, string | Buffer>,
): readonly string[] {
  const forms = [...secrets].map(([name, secret]) => [name, formsOf(secret)] as const);
  return [...files].flatMap(([path, octets]) =>
    forms
      .filter(([, each]) => each.some((form) => octets.includes(form)))
      .map(([name]) => `${path}: ${name}`),
  );
}

/** A part of every PKCS #8 key of the algorithms here (RFC 5958 §2): version 0 and the algorithm, in DER and its base64. */
const privateKeyMarks = [
  Buffer.from("PRIVATE KEY-----"),
  // id-ecPublicKey behind version 0.
  Buffer.from("020100301306072a8648ce3d0201", "hex"),
  Buffer.from("020100301006072a8648ce3d0201", "hex"),
  // rsaEncryption; id-Ed25519.
  Buffer.from("020100300d06092a864886f70d010101", "hex"),
  Buffer.from("020100300506032b6570", "hex"),
];

/** Files with a private key in the clear, whosever it is. */
export function privateKeyFiles(files: ReadonlyMap<string, Buffer>): readonly string[] {
  const base64 = /(?:[A-Za-z0-9+/_-]{4}){12,}/g;
  const isMarked = (octets: Buffer): boolean => privateKeyMarks.some((mark) => octets.includes(mark));
  return [...files]
    .filter(([, octets]) => {
      if (isMarked(octets)) return true;
      const texts = octets.toString("latin1").match(base64) ?? [];
      return texts.some((text) => isMarked(Buffer.from(text.slice(0, 4_096), "base64")));
    })
    .map(([path]) => path);
}
