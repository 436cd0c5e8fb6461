/**
 * Room: cli. A stdout that leads to a file or a device: written until all of it is there, and what fails is a Failure.
 * Node writes once, so a disk that fills up takes a part for the whole, and the next write ends the process.
 */
import { fstatSync, ftruncateSync, writeSync } from "node:fs";
import { fileFailure } from "./credential-files.ts";
import type { TerminalStream } from "./terminal.ts";

function writeWhole(descriptor: number, content: string | Uint8Array): void {
  const octets = typeof content === "string" ? Buffer.from(content) : content;
  for (let written = 0; written < octets.length; ) written += writeSync(descriptor, octets, written);
}

/** A disk that is full has room for nothing else, and one that fails is not asked twice. */
function takeBack(descriptor: number, size: number): void {
  try {
    ftruncateSync(descriptor, size);
  } catch {
    // The reader is told of the first failure.
  }
}

/**
 * `stream` itself for a terminal and a pipe, which have errors and readers of their own. Otherwise a write is whole, or
 * it is taken back and throws a Failure (exit `localFile`); after that nothing more is written.
 */
export function standardOutput(stream: NodeJS.WriteStream & { readonly fd: number }): TerminalStream {
  const { fd, isTTY } = stream;
  const stats = fstatSync(fd);
  if (isTTY || stats.isFIFO() || stats.isSocket()) return stream;
  let isBroken = false;
  return {
    write(content) {
      if (isBroken) return;
      const before = stats.isFile() ? fstatSync(fd).size : undefined;
      try {
        writeWhole(fd, content);
      } catch (error) {
        isBroken = true;
        if (before !== undefined) takeBack(fd, before);
        throw fileFailure(error, "stdout");
      }
    },
  };
}
