/** Room: local. Whether a port can be had, asked before anything depends on it. */
import { once } from "node:events";
import { createServer } from "node:net";

/** Listens and lets go again. @throws the system's Error (EADDRINUSE, EACCES, ENOTFOUND) when it cannot. */
export async function assertPortFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  const listening = once(probe, "listening");
  probe.listen(port, host);
  await listening;
  const closed = once(probe, "close");
  probe.close();
  await closed;
}
