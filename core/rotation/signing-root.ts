/** Room: core/rotation. The root that signs what a ceremony makes: the one in force, whose key is here, and not too old. */
import type { Fleet, Issuer } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { App } from "../ports.ts";
import { assertInCryptoperiod } from "./cryptoperiod.ts";

/**
 * @throws AppError authority_unavailable (not active, or expired), key_offline (another machine has its key), key_overdue
 * (past the end of its cryptoperiod and the grace after it).
 */
export function assertRootUsable(app: Pick<App, "clock">, { record, certificate }: Issuer): void {
  const { authorityId, state, custody, createdAt } = record;
  const now = app.clock.now();
  if (state !== "active") {
    throw new AppError("authority_unavailable", `root "${authorityId}" is ${state}; an active root signs`);
  }
  if (certificate.tbs.validity.notAfter <= now) {
    throw new AppError("authority_unavailable", `root "${authorityId}" has expired; roll it over`);
  }
  if (custody === "offline") {
    throw new AppError(
      "key_offline",
      `the key of root "${authorityId}" is kept offline; sign on its machine: fleetkey ceremony sign`,
    );
  }
  assertInCryptoperiod("root", createdAt, now, `root "${authorityId}"`);
}

/** The root in force. @throws AppError authority_unavailable: there is none, or more than one. */
export function rootInForce({ record, authorities }: Fleet): Issuer {
  const active = authorities.filter(({ record: { kind, state } }) => kind === "root" && state === "active");
  const [root] = active;
  if (root !== undefined && active.length === 1) return root;
  throw new AppError(
    "authority_unavailable",
    `fleet "${record.fleet}" has ${active.length} active roots; exactly one signs`,
  );
}
