/** Room: test. Certificates over mutual TLS: of people, devices, claims and servers, of authorities, and of nobody. */
import { deviceCsr, deviceKey } from "../../../support/device.ts";
import { makerCertificate, makers } from "../arrivals.ts";
import { type Credential, type Holder, refusedWith } from "../credential.ts";
import { type CertificateHolder, type CertificateState, roleNames, sides } from "../world.ts";

const holders: readonly (readonly [CertificateHolder, Holder])[] = [
  ...roleNames.map((role) => [role, { kind: "operator", role, by: "certificate" }] as const),
  ["device", { kind: "device", standing: "active" }],
  ["quarantined", { kind: "device", standing: "quarantined" }],
  ["suspended", { kind: "device", standing: "suspended" }],
  ["retired", { kind: "device", standing: "retired" }],
  ["claim", { kind: "claim" }],
  ["backend", { kind: "backend", backend: "permitted" }],
  ["idle", { kind: "backend", backend: "idle" }],
  ["unlisted", { kind: "backend", backend: "unlisted" }],
  ["server", { kind: "certificate" }],
];

const refusals: Readonly<Record<CertificateState, string | undefined>> = {
  fresh: undefined,
  expired: "client_certificate_expired",
  revoked: "client_certificate_revoked",
  wrongKey: "client_certificate_untrusted",
};

const newCsr = (): string => deviceCsr(deviceKey()).toString("base64");

/** A claim is asked for a device of the inventory; whoever is no claim is not asked for a name. */
const claimFor = (deviceId: string) => () => ({ csr: newCsr(), deviceId });

const issued = sides.flatMap((side) =>
  (Object.keys(refusals) as CertificateState[]).flatMap((state) =>
    holders.map(([name, holder]): Credential => {
      const refusal = name === "server" ? "client_certificate_untrusted" : refusals[state];
      return {
        name: `certificate of ${name}`,
        side,
        state,
        holder,
        ...refusedWith(refusal),
        present: async (world) => ({ certificate: world.certificate(name, side, state) }),
        ...(name === "claim" ? { enrolmentBody: claimFor("pump-unclaimed") } : {}),
      };
    }),
  ),
);

/** People whose certificates are in force and whose records say that they, or these, are no more. */
const former = sides.flatMap((side) =>
  (
    [
      ["certificate of an owner who was suspended", "leaver"],
      ["certificate from before its owner was suspended and taken back", "returner"],
    ] as const
  ).map(
    ([name, person]): Credential => ({
      name,
      side,
      state: "revoked",
      holder: { kind: "operator", role: "owner", by: "certificate" },
      ...(side === "own" ? { refusal: "operator_not_active", enrolment: "credential_invalid" } : {}),
      present: async (world) => ({ certificate: world.certificate(person, side, "fresh") }),
    }),
  ),
);

const claims = sides.flatMap((side): Credential[] => {
  const claim = {
    name: "certificate of claim",
    side,
    holder: { kind: "claim" },
    present: async (world) => ({ certificate: world.certificate("claim", side, "fresh") }),
  } satisfies Partial<Credential>;
  const enrolment = (code: string) => (side === "own" ? { enrolment: code } : {});
  return [
    {
      ...claim,
      state: "for a device that it enrolled before",
      twice: true,
      ...enrolment("credential_spent"),
      enrolmentBody: claimFor("pump-claimed"),
    },
    {
      ...claim,
      state: "for a device that has had a certificate",
      ...enrolment("credential_spent"),
      enrolmentBody: claimFor("pump-victim"),
    },
    {
      ...claim,
      state: "for a device outside the inventory",
      ...enrolment("device_unknown"),
      enrolmentBody: claimFor("pump-nobody-knows"),
    },
  ];
});

const authorities = sides.flatMap((side) =>
  (
    [
      ["root", "fresh"],
      ["root", "wrongKey"],
      ["garbage", "fresh"],
    ] as const
  ).map(
    ([name, state]): Credential => ({
      name: `certificate: ${name}`,
      side,
      state,
      holder: { kind: "certificate" },
      refusal: "client_certificate_untrusted",
      present: async (world) => ({ certificate: world.certificate(name, side, state) }),
    }),
  ),
);

/** Good for an enrolment, and for nothing else. */
const fromMakers = sides.flatMap((side) => {
  const states = [
    ["fresh", makerCertificate(makers[side]), side === "own" ? "let in" : "client_certificate_untrusted"],
    [
      "expired",
      makerCertificate(makers[side], { isOver: true }),
      side === "own" ? "client_certificate_expired" : "client_certificate_untrusted",
    ],
    ["wrongKey", makerCertificate(makers.nobody), "client_certificate_untrusted"],
    [
      "of a device outside the inventory",
      makerCertificate(makers[side], { serialNumber: "SN-2" }),
      side === "own" ? "device_unknown" : "client_certificate_untrusted",
    ],
  ] as const;
  return states.map(
    ([state, certificate, enrolment]): Credential => ({
      name: "certificate of a device's maker",
      side,
      state,
      holder: { kind: "certificate" },
      refusal: "client_certificate_untrusted",
      enrolment,
      present: async () => ({ certificate }),
    }),
  );
});

/** TLS proves the key of a certificate; what a client writes into headers proves nothing. */
const inHeaders = sides.map(
  (side): Credential => ({
    name: "operator certificate in headers",
    side,
    state: "fresh",
    holder: { kind: "nobody" },
    async present(world) {
      const pem = encodeURIComponent(world.certificate("owner", side, "fresh"));
      return {
        headers: { "x-client-cert": pem, "x-amzn-mtls-clientcert": pem, "x-forwarded-client-cert": pem },
      };
    },
  }),
);

export const certificates: readonly Credential[] = [
  ...issued,
  ...former,
  ...claims,
  ...authorities,
  ...fromMakers,
  ...inHeaders,
];
