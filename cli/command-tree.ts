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
      summary: "Devices, their certificates and their state",
      commands: {
        enroll: async () => (await import("./commands/device-enroll.ts")).deviceEnroll,
        renew: async () => (await import("./commands/device-renew.ts")).deviceRenew,
        return: async () => (await import("./commands/device-return.ts")).deviceReturn,
        agent: async () => (await import("./commands/device-agent.ts")).deviceAgent,
        import: async () => (await import("./commands/device-import.ts")).deviceImport,
        show: async () => (await import("./commands/device-show.ts")).deviceShow,
        keys: async () => (await import("./commands/device-keys.ts")).deviceKeys,
        suspend: async () => (await import("./commands/device-state.ts")).deviceSuspend,
        release: async () => (await import("./commands/device-state.ts")).deviceRelease,
        retire: async () => (await import("./commands/device-state.ts")).deviceRetire,
      },
    },
    cert: {
      summary: "Inventory and revocation",
      commands: {
        list: async () => (await import("./commands/cert-list.ts")).certList,
        search: async () => (await import("./commands/cert-list.ts")).certSearch,
        export: async () => (await import("./commands/cert-export.ts")).certExport,
        show: async () => (await import("./commands/cert-show.ts")).certShow,
        revoke: async () => (await import("./commands/cert-revoke.ts")).certRevoke,
        release: async () => (await import("./commands/cert-revoke.ts")).certRelease,
      },
    },
    revoke: {
      summary: "Taking trust back from devices, one or many",
      commands: {
        device: async () => (await import("./commands/revoke-device.ts")).revokeDevice,
        own: async () => (await import("./commands/revoke-own.ts")).revokeOwn,
        bulk: async () => (await import("./commands/revoke-bulk.ts")).revokeBulk,
        execute: async () => (await import("./commands/revoke-bulk.ts")).revokeExecute,
        show: async () => (await import("./commands/revoke-job.ts")).revokeShow,
        list: async () => (await import("./commands/revoke-job.ts")).revokeList,
        cancel: async () => (await import("./commands/revoke-job.ts")).revokeCancel,
      },
    },
    inventory: {
      summary: "Certificates in numbers",
      commands: { show: async () => (await import("./commands/inventory-show.ts")).inventoryShow },
    },
    crl: {
      summary: "Certificate revocation lists",
      commands: {
        get: async () => (await import("./commands/crl-get.ts")).crlGet,
        show: async () => (await import("./commands/crl-show.ts")).crlShow,
      },
    },
    ocsp: {
      summary: "Status of one certificate, now",
      commands: { query: async () => (await import("./commands/ocsp-query.ts")).ocspQuery },
    },
    claim: {
      summary: "Claims of production batches",
      commands: {
        create: async () => (await import("./commands/claim-create.ts")).claimCreate,
        show: async () => (await import("./commands/claim-show.ts")).claimShow,
      },
    },
    backend: {
      summary: "Certificates of backends, with which they protect and read data",
      commands: {
        create: async () => (await import("./commands/backend-create.ts")).backendCreate,
        certify: async () => (await import("./commands/backend-certify.ts")).backendCertify,
        renew: async () => (await import("./commands/backend-renew.ts")).backendRenew,
      },
    },
    request: {
      summary: "Enrolment requests that wait for a decision",
      commands: {
        list: async () => (await import("./commands/request-list.ts")).requestList,
        approve: async () => (await import("./commands/request-decide.ts")).requestApprove,
        deny: async () => (await import("./commands/request-decide.ts")).requestDeny,
      },
    },
    operator: {
      summary: "Operators, their roles and passkeys",
      commands: {
        list: async () => (await import("./commands/operator-list.ts")).operatorListCommand,
        invite: async () => (await import("./commands/operator-invite.ts")).operatorInvite,
        change: async () => (await import("./commands/operator-change.ts")).operatorChange,
        key: async () => (await import("./commands/operator-key.ts")).operatorKey,
      },
    },
    approval: {
      summary: "Approvals of critical operations",
      commands: {
        request: async () => (await import("./commands/approval-request.ts")).approvalRequest,
        list: async () => (await import("./commands/approval-list.ts")).approvalListCommand,
        show: async () => (await import("./commands/approval-list.ts")).approvalShow,
      },
    },
    fleet: {
      summary: "The fleet itself",
      commands: {
        show: async () => (await import("./commands/fleet-show.ts")).fleetShow,
        configure: async () => (await import("./commands/fleet-configure.ts")).fleetConfigure,
        suspend: async () => (await import("./commands/fleet-state.ts")).fleetSuspend,
        resume: async () => (await import("./commands/fleet-state.ts")).fleetResume,
        create: async () => (await import("./commands/fleet-create.ts")).fleetCreate,
      },
    },
    rotation: {
      summary: "Authorities that follow one another, and what to do next",
      commands: {
        status: async () => (await import("./commands/rotation-status.ts")).rotationStatus,
        plan: async () => (await import("./commands/rotation-plan.ts")).rotationPlan,
        show: async () => (await import("./commands/rotation-show.ts")).rotationShow,
        list: async () => (await import("./commands/rotation-show.ts")).rotationList,
        watch: async () => (await import("./commands/rotation-show.ts")).rotationWatch,
        advance: async () => (await import("./commands/rotation-move.ts")).rotationAdvance,
        rollback: async () => (await import("./commands/rotation-move.ts")).rotationRollback,
      },
    },
    authority: {
      summary: "The fleet's roots and issuing authorities",
      commands: {
        list: async () => (await import("./commands/authority-list.ts")).authorityListCommand,
        show: async () => (await import("./commands/authority-list.ts")).authorityShow,
        rotate: async () => (await import("./commands/authority-rotate.ts")).authorityRotate,
      },
    },
    key: {
      summary: "Keys of the service: how old they are, and their end",
      commands: {
        report: async () => (await import("./commands/key-report.ts")).keyReportCommand,
        rotate: async () => (await import("./commands/key-rotate.ts")).keyRotate,
        destroy: async () => (await import("./commands/key-destroy.ts")).keyDestroy,
        keep: async () => (await import("./commands/key-destroy.ts")).keyKeep,
      },
    },
    ceremony: {
      summary: "Use of a root's key, here or on a machine without a network",
      commands: {
        init: async () => (await import("./commands/ceremony-init.ts")).ceremonyInit,
        request: async () => (await import("./commands/ceremony-request.ts")).ceremonyRequest,
        sign: async () => (await import("./commands/ceremony-sign.ts")).ceremonySign,
        verify: async () => (await import("./commands/ceremony-verify.ts")).ceremonyVerify,
        import: async () => (await import("./commands/ceremony-import.ts")).ceremonyImport,
        open: async () => (await import("./commands/ceremony-open.ts")).ceremonyOpen,
        list: async () => (await import("./commands/ceremony-list.ts")).ceremonyListCommand,
        show: async () => (await import("./commands/ceremony-list.ts")).ceremonyShow,
      },
    },
    renewal: {
      summary: "Renewals that are pulled forward",
      commands: {
        pull: async () => (await import("./commands/renewal-pull.ts")).renewalPull,
        list: async () => (await import("./commands/renewal-list.ts")).renewalList,
        end: async () => (await import("./commands/renewal-list.ts")).renewalEnd,
      },
    },
    "server-cert": {
      summary: "Certificates of servers, kept fresh where load balancers find them",
      commands: {
        request: async () => (await import("./commands/server-cert-request.ts")).serverCertRequest,
        list: async () => (await import("./commands/server-cert-list.ts")).serverCertList,
        show: async () => (await import("./commands/server-cert-list.ts")).serverCertShow,
        rollback: async () => (await import("./commands/server-cert-act.ts")).serverCertRollback,
        resume: async () => (await import("./commands/server-cert-act.ts")).serverCertResume,
        remove: async () => (await import("./commands/server-cert-act.ts")).serverCertRemove,
      },
    },
    "data-key": {
      summary: "Keys with which backends encrypt where their data is",
      commands: { create: async () => (await import("./commands/data-key-create.ts")).dataKeyCreate },
    },
    encrypt: async () => (await import("./commands/data-encrypt.ts")).encrypt,
    decrypt: async () => (await import("./commands/data-decrypt.ts")).decrypt,
    reencrypt: async () => (await import("./commands/data-reencrypt.ts")).reencrypt,
    reencryption: {
      summary: "Keys of data that move under the newest wrapping key",
      commands: {
        start: async () => (await import("./commands/reencryption.ts")).reencryptionStart,
        list: async () => (await import("./commands/reencryption.ts")).reencryptionList,
        show: async () => (await import("./commands/reencryption.ts")).reencryptionShow,
        cancel: async () => (await import("./commands/reencryption.ts")).reencryptionCancel,
      },
    },
    shred: {
      summary: "Keys of data that are destroyed, for good",
      commands: {
        subject: async () => (await import("./commands/shred.ts")).shredSubject,
        fleet: async () => (await import("./commands/shred.ts")).shredFleet,
        list: async () => (await import("./commands/shred.ts")).shredList,
        show: async () => (await import("./commands/shred.ts")).shredShow,
      },
    },
    trust: {
      summary: "Whom devices trust, and which version of that they know",
      commands: {
        pull: async () => (await import("./commands/trust-pull.ts")).trustPull,
        verify: async () => (await import("./commands/trust-verify.ts")).trustVerify,
        ack: async () => (await import("./commands/trust-ack.ts")).trustAck,
        adoption: async () => (await import("./commands/trust-adoption.ts")).trustAdoption,
      },
    },
    doctor: async () => (await import("./commands/doctor.ts")).doctor,
  },
};
