/** Room: core/formats. How reading and writing OCSP messages fail: with one code, whatever was wrong inside. */
import { AppError } from "../../errors.ts";

export const malformedOcsp = (what: string, options?: ErrorOptions): AppError =>
  new AppError("ocsp_malformed", `OCSP: ${what}`, options);

/** Runs `act`; whatever it refuses, as DER or beyond a limit, becomes ocsp_malformed. */
export function asOcsp<Value>(act: () => Value): Value {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code === "ocsp_malformed") throw cause;
    throw malformedOcsp(cause.message, { cause });
  }
}
