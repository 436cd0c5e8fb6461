/**
 * Room: core. What the product asks of the world about keys as things that are kept, lent and destroyed, and about
 * certificates that another service holds, as types only: a part of `ports.ts`, from which it is imported.
 */

/** enabled: it may be used; unavailable: its service cannot reach it (a key whose material is elsewhere, or gone). */
export type KeyCondition = "enabled" | "disabled" | "pendingDeletion" | "unavailable";

export interface KeyState {
  /** As in `KeyDescription`. */
  readonly keyId: string;
  readonly condition: KeyCondition;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  /** When it will be destroyed; present with `pendingDeletion` alone. */
  readonly deletionAt?: number;
}

/** Leave to sign with a key that nobody may use otherwise. */
export interface KeyLoan {
  /** Names the loan to `endLoan`. */
  readonly loanId: string;
  /** What a signer shows until the loan is known everywhere in the service; absent where no signer needs one. */
  readonly token?: string;
}

/** Keeps signing keys: says how they are, lends those that nobody may use, destroys what is done with. */
export interface KeyCustody {
  /** @throws AppError key_not_found (also: destroyed), key_service_unavailable. */
  stateOf(keyId: string): Promise<KeyState>;
  /**
   * Nobody can sign with it from now on; after `days` (7 to 30) it is gone for good. A key that is on its way already
   * stays so, at its own time.
   * @throws AppError key_not_found, request_invalid (days), key_service_unavailable.
   */
  scheduleDeletion(keyId: string, days: number): Promise<KeyState>;
  /** The key is enabled again. Nothing changes for one that is. @throws AppError key_not_found (destroyed already), key_service_unavailable. */
  cancelDeletion(keyId: string): Promise<KeyState>;
  /**
   * Lets the signer of ceremonies sign with `keyId` until `endLoan`. `name` makes it one loan however often it is
   * asked for: lowercase letters, digits and hyphens, 1 to 128.
   * @throws AppError key_not_found, key_disabled (or to be destroyed), request_invalid (name), key_service_unavailable.
   */
  lend(keyId: string, name: string): Promise<KeyLoan>;
  /** Takes it back; nothing changes where it is back. @throws AppError key_not_found (never a key id), key_service_unavailable. */
  endLoan(keyId: string, loanId: string): Promise<void>;
}

/** A symmetric key that wraps other keys, as its service has it. */
export interface DataKeyState extends Omit<KeyState, "keyId"> {
  /** The service's name for it. */
  readonly keyId: string;
  /** Ours: `{fleet}-protection`, or the deployment's own, such as `data`, `operations`. */
  readonly name: string;
  /** Days after which it rotates by itself; absent: it does not. */
  readonly rotationDays?: number;
  /** When it rotated last; absent: never yet. */
  readonly lastRotationAt?: number;
  readonly nextRotationAt?: number;
  /** Rotations that were asked for, of `onDemandLimit` in its whole life. */
  readonly onDemandRotations: number;
  readonly onDemandLimit: number;
}

/** The wrapping keys of this deployment. */
export interface DataKeyCustody {
  /** All of them, in the order of their names; one that is gone is `unavailable`, with a `createdAt` of 0. @throws AppError key_service_unavailable. */
  list(): Promise<readonly DataKeyState[]>;
  /**
   * New data is wrapped under new material from now on; the old goes on unwrapping.
   * @throws AppError key_not_found (no key of that name), key_rotation_exhausted (it was asked for as often as the
   * service lets it), key_disabled, key_service_unavailable.
   */
  rotateNow(name: string): Promise<DataKeyState>;
}

/** Key types and sizes of servers' keys that other services take. */
export type ServerKeyAlgorithm = "P-256" | "P-384" | "RSA-2048" | "RSA-3072" | "RSA-4096";

/** A fresh key of a server, in memory alone. */
export interface ServerKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** PKCS #8, PEM, in the clear. Whoever asked for the key overwrites it. */
  readonly privateKey: Buffer;
  /** With SHA-384 for P-384 and SHA-256 for the others; content of a signature of PKCS #10. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Makes keys for servers, of which nothing is kept. */
export interface ServerKeys {
  /** Another key with every call. */
  make(algorithm: ServerKeyAlgorithm): Promise<ServerKey>;
}

/** A server's certificate with its key, as another service takes it. The key passes through and is kept nowhere here. */
export interface ServerMaterial {
  /** PEM. */
  readonly certificate: string;
  /** PEM of the authorities above it, nearest first, the root left out. */
  readonly chain: string;
  /** PKCS #8, PEM, in the clear: overwritten by whoever made it as soon as the call is over. */
  readonly privateKey: Buffer;
}

/** A certificate as the service that holds it tells of it. */
export interface HeldCertificate {
  /** The service's name for it, which stays when it is replaced: an ARN. */
  readonly certificateId: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  readonly notAfter: number;
  /** Ours (`ServerKeyAlgorithm`), or the service's own word for another: an import that replaces it must have the same. */
  readonly keyAlgorithm: string;
  readonly importedAt: number;
  /** Whether anything uses it at this time. */
  readonly inUse: boolean;
}

/** Holds certificates of servers with their keys, for load balancers and gateways: AWS Certificate Manager. */
export interface CertificateManager {
  /**
   * @param name Ours; tags what is new. Lowercase letters, digits and hyphens, in parts separated by "/"; at most 128.
   * @param replaces Certificate to put this one in the place of. @default a new one
   * @returns Its `certificateId`: that of `replaces` where one is given.
   * @throws AppError certificate_not_held (`replaces` is gone), certificate_manager_refused (another key type, a limit
   * of the service: its reason in our words), certificate_manager_unavailable (worth a retry: throttled, or out of reach).
   */
  import(name: string, material: ServerMaterial, replaces?: string): Promise<string>;
  /** Undefined when it is gone. @throws AppError certificate_manager_unavailable. */
  describe(certificateId: string): Promise<HeldCertificate | undefined>;
  /** Nothing changes where it is gone. @throws AppError certificate_manager_refused (something uses it), certificate_manager_unavailable. */
  remove(certificateId: string): Promise<void>;
}
