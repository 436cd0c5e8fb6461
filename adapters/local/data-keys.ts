/** Room: adapters/local. The wrapping keys of the embedded default: none, for its data lie in the owner's files. */
import { AppError } from "../../core/errors.ts";
import type { DataKeyCustody } from "../../core/ports.ts";

/** As the port promises: an empty list, and no key of any name. */
export function localDataKeys(): DataKeyCustody {
  return {
    list: async () => [],
    async rotateNow(name) {
      throw new AppError(
        "key_not_found",
        `no data key has the name of ${name.length} characters that was given; this deployment has none`,
      );
    },
  };
}
