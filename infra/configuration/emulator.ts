/** Room: infra. Context flag `fleetkey:emulator`: a deployment that trusts whoever speaks to it, for a rehearsal. */

/** The account of emulators. AWS gives it to nobody. */
export const emulatorAccount = "000000000000";

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
