/**
 * Room: test. A process that dies at its n-th call of a port, before the call is carried out or before its answer
 * comes. Whatever it would have done afterwards is never done; whatever was under way is carried out.
 */
import type { ItemStore, KeyService, ObjectStore } from "../../core/ports.ts";

export type Death = "before the call" | "before the answer";

interface Ports {
  readonly items: ItemStore;
  readonly keys: KeyService;
  readonly artifacts: ObjectStore;
}

export interface Mortal<App extends Ports> {
  readonly app: App;
  /** Calls of ports so far. */
  readonly calls: number;
  /** Resolves to false when `work` came to its end alive. */
  dies(work: () => Promise<unknown>): Promise<boolean>;
}

const never = (): Promise<never> => new Promise(() => undefined);

/** @param target The call at which it dies, from 1. */
export function mortal<App extends Ports>(app: App, target: number, death: Death): Mortal<App> {
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
  const { items, keys, artifacts } = app;
  return {
    app: {
      ...app,
      items: {
        get: (key) => call(() => items.get(key)),
        query: (query) => call(() => items.query(query)),
        transact: (operations) => call(() => items.transact(operations)),
      },
      keys: {
        createKey: (alias, algorithm) => call(() => keys.createKey(alias, algorithm)),
        describeKey: (keyId) => call(() => keys.describeKey(keyId)),
        sign: (keyId, message) => call(() => keys.sign(keyId, message)),
      },
      artifacts: {
        get: (key) => call(() => artifacts.get(key)),
        put: (key, object, when) => call(() => artifacts.put(key, object, when)),
        remove: (key) => call(() => artifacts.remove(key)),
      },
    } satisfies App,
    get calls() {
      return calls;
    },
    dies: (work) => Promise.race([work().then(() => false), died.then(() => true)]),
  };
}
