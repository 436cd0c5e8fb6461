/** Room: test. The process of a task of rotation, or of a person's call, that dies at one of its calls to the world. */
import type { RolloverApp } from "./rollover-fleet.ts";

const never = () => new Promise<never>(() => undefined);

/** `work` in a process that dies at step `target`; each call of a port is two steps. False when it outlived that. */
export async function dies(
  app: RolloverApp,
  target: number,
  work: (app: RolloverApp) => Promise<unknown>,
): Promise<boolean> {
  let steps = 0;
  let die: () => void = () => undefined;
  const dead = new Promise<true>((resolve) => {
    die = () => resolve(true);
  });
  const pass = async (): Promise<void> => {
    steps += 1;
    if (steps < target) return;
    die();
    await never();
  };
  const mortal = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(of, member) {
        const value: unknown = Reflect.get(of, member);
        if (typeof value !== "function") return value;
        return async (...parameters: never[]) => {
          await pass();
          const result = await (value as (...all: never[]) => Promise<unknown>).apply(of, parameters);
          await pass();
          return result;
        };
      },
    });
  const { items, keys, artifacts, trustStores, records, notifier, custody, tasks } = app;
  const ports = { items, keys, artifacts, trustStores, records, notifier, custody, tasks };
  const dying = Object.fromEntries(
    Object.entries(ports).map(([each, port]) => [each, mortal<object>(port)]),
  ) as typeof ports;
  const keysWith = (tokens: readonly string[]) => mortal(app.keysWith(tokens));
  const alive = work({ ...app, ...dying, keysWith }).then(() => false);
  return await Promise.race([dead, alive]);
}
