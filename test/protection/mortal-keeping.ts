/**
 * Room: test/protection. A process of the protection of data that dies at its n-th call of a port, before the call is
 * carried out or before its answer comes. Whatever it would have done afterwards is never done. Queries are not
 * counted: they change nothing, so dying at one is dying after the call before.
 */
import type { ItemStore } from "../../core/ports.ts";
import type { KeepingApp } from "./keeping-world.ts";

export type Death = "before the call" | "before the answer";

export interface MortalKeeping {
  readonly app: KeepingApp;
  /** Resolves to false when `work` came to its end alive. */
  dies(work: () => Promise<unknown>): Promise<boolean>;
}

const never = (): Promise<never> => new Promise(() => undefined);

/** Which calls it may die at: all, or those that change something. */
export type Deadly = "every call" | "every write";

/** @param target The call at which it dies, from 1. */
export function mortalKeeping(
  app: KeepingApp,
  target: number,
  death: Death,
  deadly: Deadly = "every call",
): MortalKeeping {
  let calls = 0;
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  async function call<Result>(act: () => Promise<Result>): Promise<Result> {
    calls += 1;
    const mine = calls;
    if (mine > target) return never();
    if (mine === target && death === "before the call") {
      die();
      return never();
    }
    const result = await act();
    if (mine === target) die();
    return calls >= target ? never() : result;
  }
  const opens = <Result>(act: () => Promise<Result>): Promise<Result> => {
    if (deadly === "every call") return call(act);
    return calls >= target ? never() : act();
  };
  const mortalStore = (store: ItemStore): ItemStore => ({
    get: (key) => call(() => store.get(key)),
    query: (query) => (calls >= target ? never() : store.query(query)),
    transact: (operations) => call(() => store.transact(operations)),
  });
  const { wrappingKeys: keys, notifier, tasks } = app;
  return {
    app: {
      ...app,
      items: mortalStore(app.items),
      subjectKeys: mortalStore(app.subjectKeys),
      wrappingKeys: {
        keyOf: (fleet) => call(() => keys.keyOf(fleet)),
        generate: (...wish) => call(() => keys.generate(...wish)),
        unwrap: (...wish) => call(() => keys.unwrap(...wish)),
        rewrap: (...wish) => opens(() => keys.rewrap(...wish)),
        scheduleDeletion: (...wish) => call(() => keys.scheduleDeletion(...wish)),
      },
      notifier: { notify: (notice) => call(() => notifier.notify(notice)) },
      tasks: { start: (task) => call(() => tasks.start(task)) },
    },
    dies: (work) => Promise.race([work().then(() => false), died.then(() => true)]),
  };
}

/** Each death at each call of `work`, in a world of its own, until it comes to its end alive. @returns The deaths. */
export async function atEveryCall(
  death: Death,
  life: (
    dying: (app: KeepingApp, work: (app: KeepingApp) => Promise<unknown>) => Promise<boolean>,
  ) => Promise<void>,
  deadly?: Deadly,
): Promise<number> {
  for (let target = 1; ; target += 1) {
    let hasDied = false;
    await life(async (app, work) => {
      const mortal = mortalKeeping(app, target, death, deadly);
      hasDied = await mortal.dies(() => work(mortal.app));
      return hasDied;
    });
    if (!hasDied) return target - 1;
  }
}
