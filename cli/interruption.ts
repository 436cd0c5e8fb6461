/** Room: cli. Work that is given up when the person at the terminal has had enough. */
import { Failure } from "./failure.ts";

/** `work`, or a Failure with exit `interrupted` as soon as `interrupted` aborts. */
export async function abandonable<T>(work: Promise<T>, interrupted: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abandon = (): void =>
    reject(new Failure("interrupted", "interrupted", "interrupted before the answer came"));
  if (interrupted.aborted) abandon();
  interrupted.addEventListener("abort", abandon, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    interrupted.removeEventListener("abort", abandon);
  }
}
