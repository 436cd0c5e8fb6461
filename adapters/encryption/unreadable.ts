/** Room: adapters/encryption. The one answer to whatever does not open: why it does not is nobody's business. */
import { AppError, type ErrorCode, isAppError } from "../../core/errors.ts";

/** The same code and text for every reason, and no cause: causes of the SDK quote contexts and answers of KMS. */
export function unreadable(): AppError {
  return new AppError(
    "data_unreadable",
    "the data cannot be read: not of this fleet and context, or changed",
  );
}

/** A key that is not there may be another fleet's, or destroyed: who asks learns neither. */
const silent: ReadonlySet<ErrorCode> = new Set(["data_unreadable", "key_not_found"]);

/** The answer of `open`, or what its failure may tell: that keys cannot be used now, otherwise nothing. */
export async function opened<Result>(open: () => Promise<Result>): Promise<Result> {
  try {
    return await open();
  } catch (failure) {
    if (isAppError(failure) && !silent.has(failure.code)) throw failure;
    throw unreadable();
  }
}

/** The answer of `make`, or its AppError; whatever else goes wrong is named without a cause. */
export async function made<Result>(make: () => Promise<Result>): Promise<Result> {
  try {
    return await make();
  } catch (failure) {
    if (isAppError(failure)) throw failure;
    throw new AppError("internal", "the AWS Encryption SDK did not encrypt; look at the size of the context");
  }
}
