/** Room: core. The Memo port's one implementation: no I/O, so every composition shares it. */
import type { Memo } from "./ports.ts";

/** Forgets the oldest entry beyond `maximum`; a value computed twice is only slower, never wrong. */
export function boundedMemo(maximum = 1_024): Memo {
  const values = new Map<string, unknown>();
  return {
    get<Value>(key: string, make: () => Value): Value {
      // Only this function writes, and a key names one kind of value.
      if (values.has(key)) return values.get(key) as Value;
      const value = make();
      if (values.size >= maximum) {
        const oldest = values.keys().next();
        if (!oldest.done) values.delete(oldest.value);
      }
      values.set(key, value);
      return value;
    },
  };
}
