/** Room: test. An App whose process dies before or after one of its calls to the world: the call never returns. */
import type { DeploymentApp } from "../../core/ports.ts";

type When = "before" | "after";
type Call = (...parameters: never[]) => Promise<unknown>;

const never = () => new Promise<never>(() => undefined);

function interrupted<Port extends object>(port: Port, pass: (when: When) => Promise<void>): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...parameters: never[]) => {
        await pass("before");
        const result = await (value as Call).apply(target, parameters);
        await pass("after");
        return result;
      };
    },
  });
}

export interface DyingRun {
  readonly app: DeploymentApp;
  /** Resolves when the run has died. */
  readonly dead: Promise<"dead">;
}

/**
 * Dies at step `target`; each call of the store or of the key service is two steps.
 * @param artifacts Calls of the store of artefacts are steps too.
 */
export function dyingApp(app: DeploymentApp, target: number, artifacts = false): DyingRun {
  let steps = 0;
  let die: (outcome: "dead") => void = () => undefined;
  const dead = new Promise<"dead">((resolve) => {
    die = resolve;
  });
  const pass = async (): Promise<void> => {
    steps += 1;
    if (steps < target) return;
    die("dead");
    await never();
  };
  return {
    app: {
      ...app,
      items: interrupted(app.items, pass),
      keys: interrupted(app.keys, pass),
      ...(artifacts ? { artifacts: interrupted(app.artifacts, pass) } : {}),
    },
    dead,
  };
}
