/**
 * Room: test/rotation. A task that dies at its n-th call of a port, before the call is carried out or before its answer
 * comes. Whatever it would have done afterwards is never done.
 */
import type { ServerApp } from "../../core/ports.ts";
import type { Death } from "../revocation/mortal.ts";

const never = (): Promise<never> => new Promise(() => undefined);

type Ports = Pick<ServerApp, "items" | "keys" | "certificates" | "serverKeys" | "notifier" | "tasks">;
const ports = [
  "items",
  "keys",
  "certificates",
  "serverKeys",
  "notifier",
  "tasks",
] as const satisfies readonly (keyof Ports)[];

type Method = (...parameters: readonly unknown[]) => Promise<unknown>;

export interface MortalServer {
  readonly app: ServerApp;
  /** Resolves to false when `work` came to its end alive. */
  dies(work: () => Promise<unknown>): Promise<boolean>;
}

/** @param target The call at which it dies, from 1. */
export function mortalServer(app: ServerApp, target: number, death: Death): MortalServer {
  let calls = 0;
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  async function call(act: () => Promise<unknown>): Promise<unknown> {
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
  const guarded = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(whole, name) {
        const method = Reflect.get(whole, name) as Method;
        return (...parameters: readonly unknown[]) => call(() => method.apply(whole, [...parameters]));
      },
    });
  const mortals = Object.fromEntries(ports.map((name) => [name, guarded(app[name])]));
  return {
    app: { ...app, ...(mortals as unknown as Ports) },
    dies: (work) => Promise.race([work().then(() => false), died.then(() => true)]),
  };
}
