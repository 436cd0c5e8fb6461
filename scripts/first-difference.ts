/** Room: scripts. Where two texts part, in words for the person who has to mend it. */

const context = 2;

/** The first line in which `rendered` differs from `written`, with the lines around it, as a short diff. */
export function firstDifference(written: string, rendered: string): string {
  const old = written.split("\n");
  const now = rendered.split("\n");
  const index = old.findIndex((line, at) => line !== now[at]);
  const line = index === -1 ? old.length : index;
  const before = old.slice(Math.max(0, line - context), line).map((text) => `    ${text}`);
  const removed = old.slice(line, line + context).map((text) => `  - ${text}`);
  const added = now.slice(line, line + context).map((text) => `  + ${text}`);
  return [`from line ${line + 1} on`, ...before, ...removed, ...added].join("\n");
}
