/** Room: cli. What the agent of a device remembers from one look to the next, beside the device's files. Public facts only. */
import { join } from "node:path";
import { publicMode, readFileIfPresent, writeFileAtomically } from "./credential-files.ts";
import { parseJsonText } from "./json-text.ts";

export const agentFiles = { state: "agent.json", manifest: "trust.jws" } as const;

export interface AgentState {
  /** The certificate that the next three are about. */
  readonly serialNumber?: string;
  /** When to renew, as the service said last; milliseconds since the epoch, as all times here. */
  readonly renewFrom?: number;
  readonly etag?: string;
  /** Before then the service is not asked when to renew. */
  readonly askAt?: number;
  /** Version of the trust manifest that was acknowledged. */
  readonly acknowledged?: number;
  /** What the hook was told of last: a certificate and a version of the manifest. */
  readonly toldSerialNumber?: string;
  readonly toldVersion?: number;
}

const texts = ["serialNumber", "etag", "toldSerialNumber"] as const;
const numbers = ["renewFrom", "askAt", "acknowledged", "toldVersion"] as const;

/** Members that are not as they are written are dropped: whatever is forgotten is asked for again. */
function stateOf(value: unknown): AgentState {
  if (typeof value !== "object" || value === null) return {};
  const kept = Object.entries(value).filter(([name, member]) =>
    typeof member === "string"
      ? (texts as readonly string[]).includes(name)
      : (numbers as readonly string[]).includes(name) && Number.isFinite(member),
  );
  return Object.fromEntries(kept);
}

/** Undefined where no agent has been yet, or what it wrote cannot be read. */
export async function readAgentState(directory: string): Promise<AgentState | undefined> {
  const text = await readFileIfPresent(join(directory, agentFiles.state));
  const value = text === undefined ? undefined : parseJsonText(text);
  return value === undefined ? undefined : stateOf(value);
}

export function writeAgentState(directory: string, state: AgentState): Promise<void> {
  return writeFileAtomically(join(directory, agentFiles.state), `${JSON.stringify(state)}\n`, publicMode);
}
