/** Room: core/protection. The one answer to whatever does not open: it tells nothing of why. */
import { AppError } from "../errors.ts";

export function unreadable(): AppError {
  return new AppError(
    "data_unreadable",
    "the data cannot be read: not of this fleet and context, or changed",
  );
}
