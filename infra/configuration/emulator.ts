/** Room: infra. Context flag `fleetkey:emulator`: a deployment that trusts whoever speaks to it, for a rehearsal. */

/** The account of emulators. AWS gives it to nobody. */
export const emulatorAccount = "000000000000";

/**
 * Refuses a construct for the emulator in any other account, and in one that is known only when it is deployed.
 * @throws Error naming the account.
 */
export function assertEmulatorAccount(account: string): void {
  if (account === emulatorAccount) return;
  throw new Error(
    `emulator is for account ${emulatorAccount} alone, this stack is for ` +
      `${/^\d{12}$/.test(account) ? account : "any account"}: what is made for it believes a header about who calls; leave it out`,
  );
}

/** @throws Error when the flag is no flag, or is set for any account but the emulator's. */
export function readEmulatorFlag(flag: unknown, account: string | undefined): boolean {
  if (flag === undefined || flag === false || flag === "false") return false;
  if (flag !== true && flag !== "true")
    throw new Error(`context "fleetkey:emulator" ${JSON.stringify(flag)} is not true or false; change it`);
  if (account === emulatorAccount) return true;
  throw new Error(
    `context "fleetkey:emulator" is for account ${emulatorAccount} alone, the stage is for ` +
      `${account === undefined ? "any account" : account}: its functions believe a header about who calls; choose a ` +
      "stage with that account, or leave the flag out",
  );
}
