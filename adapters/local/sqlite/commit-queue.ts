/**
 * Room: adapters/local. Group commit: transactions that arrive while the event loop turns share one commit,
 * and so one wait for the disk.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AppError } from "../../../core/errors.ts";
import { storeFailure } from "./failures.ts";
import { whenUnlocked } from "./lock-wait.ts";
import type { PreparedOperation, Refusal } from "./transaction-batch.ts";

interface Waiting {
  readonly operations: readonly PreparedOperation[];
  readonly resolve: () => void;
  readonly reject: (reason: AppError) => void;
}

/** What commits a batch; a TransactionBatch, or a stand-in that fails. */
export interface BatchRunner {
  run(transactions: readonly (readonly PreparedOperation[])[]): Refusal[];
}

// Enough to hide the wait for the disk; few enough that the event loop turns every some ten milliseconds.
const batchTransactions = 512;
const batchOctets = 8_000_000;

/** How many of the first `waiting` make a batch: at least one, however large. */
function batchLength(waiting: readonly Waiting[]): number {
  let octets = 0;
  for (const [at, { operations }] of waiting.entries()) {
    for (const operation of operations) octets += operation.octets;
    if (at + 1 === batchTransactions || octets > batchOctets) return at + 1;
  }
  return waiting.length;
}

export class CommitQueue {
  readonly #runner: BatchRunner;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;

  constructor(runner: BatchRunner) {
    this.#runner = runner;
  }

  /**
   * Settles after the commit that holds `operations`.
   * @throws AppError store_condition_failed for these alone; store_unavailable for the whole batch.
   */
  commit(operations: readonly PreparedOperation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Settles when every transaction handed over so far has. */
  async idle(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  async #drain(): Promise<void> {
    // The turn that brought the first transaction may bring more.
    await nextTurn();
    while (this.#waiting.length > 0) {
      const length = batchLength(this.#waiting);
      const batch = this.#waiting.slice(0, length);
      this.#waiting = this.#waiting.slice(length);
      await this.#settle(batch);
      await nextTurn();
    }
    this.#draining = undefined;
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await whenUnlocked(() => this.#runner.run(batch.map((waiting) => waiting.operations)));
      for (const [at, waiting] of batch.entries()) {
        const refusal = outcomes[at];
        if (refusal === undefined) waiting.resolve();
        else waiting.reject(refusal);
      }
    } catch (error) {
      for (const waiting of batch) waiting.reject(storeFailure(error));
    }
  }
}
