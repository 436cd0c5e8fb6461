/** Room: cli. The words of the command line. Commands are imported when they are named, so start is quick. */
import type { Command } from "./command.ts";

export interface CommandGroup {
  readonly summary: string;
  readonly commands: Readonly<Record<string, CommandGroup | LazyCommand>>;
}

export type LazyCommand = () => Promise<Command>;

export const commandTree: CommandGroup = {
  summary: "Keys and certificates for fleets of connected devices",
  commands: {
    serve: async () => (await import("./commands/serve.ts")).serve,
    token: {
      summary: "One-time enrolment tokens",
      commands: { create: async () => (await import("./commands/token-create.ts")).tokenCreate },
    },
    device: {
      summary: "Certificates of devices",
      commands: {
        enroll: async () => (await import("./commands/device-enroll.ts")).deviceEnroll,
        renew: async () => (await import("./commands/device-renew.ts")).deviceRenew,
      },
    },
    cert: {
      summary: "Inventory and revocation",
      commands: {
        list: async () => (await import("./commands/cert-list.ts")).certList,
        show: async () => (await import("./commands/cert-show.ts")).certShow,
        revoke: async () => (await import("./commands/cert-revoke.ts")).certRevoke,
      },
    },
    trust: {
      summary: "Roots that a device trusts",
      commands: { pull: async () => (await import("./commands/trust-pull.ts")).trustPull },
    },
    doctor: async () => (await import("./commands/doctor.ts")).doctor,
  },
};
