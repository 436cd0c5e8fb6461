/** Room: cli. The agent adopts the newest trust manifest, and says so. */
import { join } from "node:path";
import { trustAcknowledgement } from "../lambdas/http/distribution-answers.ts";
import { type AgentState, agentFiles } from "./agent-state.ts";
import { publicMode, readCredentialFile, writeFileAtomically } from "./credential-files.ts";
import { type DeviceRecord, deviceFiles } from "./device-directory.ts";
import { deviceSettings } from "./device-session.ts";
import { readClientCredential, withFleetApi } from "./session.ts";
import type { SettingFlags } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { pullManifest, rootsPem } from "./trust-manifest.ts";

/**
 * Inside the directory's lock. The roots first, then the manifest that names them: a crash in between leaves the older
 * manifest, from which the next look goes on. Acknowledged is what is on disk. @returns The version on disk.
 * @throws Failure `untrusted`; nothing was changed.
 */
export async function adoptTrust(
  directory: string,
  record: DeviceRecord,
  flags: SettingFlags,
  terminal: Terminal,
): Promise<number> {
  const settings = deviceSettings(directory, record, flags, terminal.env);
  const roots = join(directory, deviceFiles.root);
  const path = join(directory, agentFiles.manifest);
  const credential = await readClientCredential(
    join(directory, deviceFiles.fullChain),
    join(directory, deviceFiles.key),
  );
  const held = { credential, roots: await readCredentialFile(roots) };
  const { manifest, text, previous } = await pullManifest(
    { settings, path, fingerprint: undefined, held },
    terminal,
  );
  if (previous !== manifest.version) {
    await writeFileAtomically(roots, rootsPem(manifest), publicMode);
    await writeFileAtomically(path, text, publicMode);
  }
  return manifest.version;
}

/** Nothing is sent twice. @returns The state with what was acknowledged. */
export async function acknowledgeTrust(
  directory: string,
  record: DeviceRecord,
  version: number,
  state: AgentState,
  flags: SettingFlags,
  terminal: Terminal,
): Promise<AgentState> {
  if (state.acknowledged === version) return state;
  const settings = deviceSettings(directory, record, flags, terminal.env);
  const credential = await readClientCredential(
    join(directory, deviceFiles.fullChain),
    join(directory, deviceFiles.key),
  );
  const path = "/trust/acknowledgements";
  const call = { method: "POST", path, body: { version }, schema: trustAcknowledgement } as const;
  await withFleetApi({ settings, terminal, credential }, (api) => api.call(call));
  return { ...state, acknowledged: version };
}
