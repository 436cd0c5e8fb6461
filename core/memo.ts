/** Room: core. The Memo port's one implementation: no I/O, so every composition shares it. */
import type { Memo } from "./ports.ts";

/** Forgets what was not asked for longest; a value computed twice is only slower, never wrong. */
export function boundedMemo(maximum = 1_024): Memo {
  const values = new Map<string, unknown>();
  const remember = (key: string, value: unknown): void => {
    // A Map keeps the order of insertion: the first entry is the one unused for longest.
    values.delete(key);
    values.set(key, value);
    if (values.size <= maximum) return;
    const oldest = values.keys().next();
    if (!oldest.done) values.delete(oldest.value);
  };
  return {
    has(key) {
      const known = values.has(key);
      if (known) remember(key, values.get(key));
      return known;
    },
    get<Value>(key: string, make: () => Value): Value {
      // Only `remember` writes, and a key names one kind of value.
      const value = values.has(key) ? (values.get(key) as Value) : make();
      remember(key, value);
      return value;
    },
  };
}
