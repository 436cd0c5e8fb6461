/** Room: core/formats. Names that stand twice in one JSON object, which JSON.parse lets pass (RFC 8259 §4). */

// A string, or a character that makes the structure; of valid JSON, nothing else matters here.
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** True when an object anywhere in `text`, which JSON.parse accepts, has two members of one name. */
export function repeatedMember(text: string): boolean {
  // Names of each object that is open; an array has none.
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (const [token] of text.matchAll(tokens)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      // Escapes are undone: "a" and "\u0061" are one name.
      const name = String(JSON.parse(last));
      const names = open.at(-1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
    last = token;
  }
  return false;
}
