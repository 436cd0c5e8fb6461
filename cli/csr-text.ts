/** Room: cli. Certification requests as people hand them over: PEM, DER, or base64 of DER. */
import { decodePem } from "../core/formats/pem.ts";
import { Failure } from "./failure.ts";

/** DER of the one request in `content`; throws `csr_malformed` naming `origin`. Nothing inside is judged. */
export function decodeRequestText(content: string | Buffer, origin: string): Buffer {
  // A DER SEQUENCE begins with 30; neither PEM nor base64 of one begins with "0".
  if (typeof content !== "string" && content[0] === 0x30) return content;
  const text = content.toString();
  if (text.includes("-----BEGIN")) {
    const [der, ...more] = decodePem(text, "CERTIFICATE REQUEST");
    if (der !== undefined && more.length === 0) return der;
    throw malformed(
      origin,
      `holds ${more.length === 0 ? "no CERTIFICATE REQUEST" : "more than one request"}`,
    );
  }
  const compact = text.replace(/\s+/g, "");
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact);
  if (isBase64) return Buffer.from(compact, "base64");
  throw malformed(origin, "is neither PEM nor base64 of a request");
}

function malformed(origin: string, what: string): Failure {
  return new Failure("localFile", "csr_malformed", `${origin} ${what}`, {
    remedy: "make one with: openssl req -new -key KEY -subj /CN=ID",
  });
}
