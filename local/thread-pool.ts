/**
 * Room: local. Sizes the thread pool that verifies signatures. Import it before anything else: the pool takes its
 * size from the environment when it is first used. One thread a core beside the event loop's own: a pool of four
 * on two cores spends more on waking threads than on verifying (measured: half the issuances a second).
 */
import { availableParallelism } from "node:os";

// An operator's own choice stands.
process.env["UV_THREADPOOL_SIZE"] ??= String(Math.max(1, availableParallelism() - 1));
