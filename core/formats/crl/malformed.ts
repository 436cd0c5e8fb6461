/** Room: core/formats. How reading and writing a CRL fail: with one code, whatever was wrong inside. */
import { AppError, type ErrorCode } from "../../errors.ts";

export const malformedList = (what: string, options?: ErrorOptions): AppError =>
  new AppError("crl_malformed", `CRL: ${what}`, options);

/** Runs `act`; what it refuses as DER becomes crl_malformed. A code in `kept` stays what it is. */
export function asCertificateList<Value>(act: () => Value, kept: readonly ErrorCode[] = []): Value {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code === "crl_malformed" || kept.includes(cause.code))
      throw cause;
    throw malformedList(cause.message, { cause });
  }
}
