/** Cases that nobody here wrote: they lie beside the project, under licences of their own. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** The one place that knows where they lie; CONTRIBUTING.md describes the layout. */
export const corpora = resolve(
  process.env["FLEETKEY_CORPORA"] ?? resolve(import.meta.dirname, "../../../shared/corpora"),
);

/** The folder `name` of the corpora; undefined where it is missing. */
export function corpus(name: string): string | undefined {
  const folder = resolve(corpora, name);
  return existsSync(folder) ? folder : undefined;
}

export const readCase = (folder: string, file: string): Buffer => readFileSync(resolve(folder, file));
