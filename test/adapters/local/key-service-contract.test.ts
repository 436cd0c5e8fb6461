import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type MasterKeySource,
  openSoftwareKeyService,
} from "../../../adapters/local/software-key-service.ts";
import { type KeyServiceUnderTest, keyServiceContract } from "../../contracts/key-service.ts";

async function make(masterKey: (directory: string) => MasterKeySource): Promise<KeyServiceUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-keys-"));
  const keys = await openSoftwareKeyService({
    directory: join(directory, "keys"),
    masterKey: masterKey(directory),
  });
  return { keys, close: () => rm(directory, { recursive: true }) };
}

keyServiceContract("files under a key file", () =>
  make((directory) => ({ keyFile: join(directory, "master.key") })),
);

keyServiceContract(
  "files under a passphrase",
  () => make(() => ({ passphrase: "a passphrase for tests" })),
  // The source of the master key changes nothing for an algorithm; two show that.
  { algorithms: ["P-256", "ML-DSA-65"] },
);
