/** The Notifier contract on a file of JSON lines. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileNotifier } from "../../../adapters/local/file-notifier.ts";
import { notifierContract } from "../../contracts/notifier.ts";

notifierContract("file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-notices-"));
  const path = join(directory, "notices.jsonl");
  const delivered = async (): Promise<readonly string[]> => {
    const lines = (await readFile(path, "utf8").catch(() => "")).split("\n").slice(0, -1);
    return lines.map((line) => {
      const { time: _, ...message } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify(message);
    });
  };
  return {
    notifier: fileNotifier({ path }),
    delivered,
    close: () => rm(directory, { recursive: true }),
  };
});
