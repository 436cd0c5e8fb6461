/**
 * Room: cli. `npm start` runs us below a shell that dies without a word when npm is told to stop. Nobody could
 * then stop the server but by its process id, and it would hold its port: so it ends with its parent.
 */

const checkMilliseconds = 250;
// Read when the process starts: a parent that dies while the server comes up is noticed too.
const parent = process.ppid;

/** Calls `onGone` once when the process that started this one is gone; the returned function ends the watch. */
export function watchParent(onGone: () => void): () => void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, checkMilliseconds);
  return () => clearInterval(timer);
}
