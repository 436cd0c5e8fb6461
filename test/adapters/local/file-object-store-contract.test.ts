/** The ObjectStore contract on the file system. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFileObjectStore } from "../../../adapters/local/file-object-store.ts";
import { objectStoreContract } from "../../contracts/object-store.ts";

objectStoreContract(
  "file system",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "fleetkey-objects-"));
    const store = await openFileObjectStore({ directory });
    return { store, close: () => rm(directory, { recursive: true }) };
  },
  { namesVersions: false },
);
