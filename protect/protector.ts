/** Room: protect. Fields of records and whole objects, protected where they are written and read. */
import type { KeyringNode } from "@aws-crypto/client-node";
import { AppError } from "../core/errors.ts";
import { type ContextRequest, encryptionContext } from "../core/policy/encryption-context.ts";
import type { EncryptionContext } from "../core/protection-values.ts";
import { boundedMaterials } from "./bounded-materials.ts";
import { type CacheBounds, cacheBounds } from "./cache-bounds.ts";
import { type FieldPlace, fieldPlaintext, fieldValue, messageIn, messageText } from "./field-message.ts";
import { decryptMessage, encryptMessage } from "./messages.ts";

/** Where data keys come from: `serviceKeys` or `kmsKeys`. */
export interface ProtectorKeys {
  readonly fleet: string;
  readonly keyring: KeyringNode;
  /** Ends connections. */
  close(): void;
}

export interface ProtectorOptions {
  readonly keys: ProtectorKeys;
  /** @default the standard's, see CacheBounds */
  readonly cache?: Partial<CacheBounds>;
}

/** Of fields: what they are bound to. Seven extra members at most, for one is `form`. */
export interface FieldContext extends ContextRequest {
  /** Id of the record: bound to it inside the message, so that one data key serves many records. @default unbound */
  readonly record?: string;
}

/** Text of a message, or its octets, where the store has a type for them. */
export interface FieldEncoding<Encoding extends "base64" | "binary"> {
  readonly encoding: Encoding;
}

/** The record with each of its fields `Names` replaced by `Message`. */
export type Protected<Clear, Names extends keyof Clear, Message> = {
  [Name in keyof Clear]: Name extends Names ? Message : Clear[Name];
};

export interface Protector {
  /**
   * A copy with each of `fields` in a message of its own; a field that the record lacks stays away.
   * @throws AppError request_invalid (a value that JSON would change, the context), name_not_permitted, and what the
   * keys throw: purpose_not_permitted, subject_shredded, key_service_unavailable …
   */
  protect<Clear extends object, Name extends keyof Clear & string>(
    record: Clear,
    fields: readonly Name[],
    context: FieldContext,
    encoding?: FieldEncoding<"base64">,
  ): Promise<Protected<Clear, Name, string>>;
  protect<Clear extends object, Name extends keyof Clear & string>(
    record: Clear,
    fields: readonly Name[],
    context: FieldContext,
    encoding: FieldEncoding<"binary">,
  ): Promise<Protected<Clear, Name, Uint8Array>>;
  /**
   * The reverse, of text and octets alike: all fields or none. `Clear` is what the caller takes the record for.
   * @throws AppError data_unreadable: not made for this fleet, context, record and field, or changed.
   */
  unprotect<Clear extends object = Record<string, unknown>>(
    record: object,
    fields: readonly NoInfer<keyof Clear & string>[],
    context: FieldContext,
  ): Promise<NoInfer<Clear>>;
  /** One message of the AWS Encryption SDK, such as for an object in a bucket; held in memory as a whole. */
  protectBytes(bytes: Uint8Array, context: ContextRequest): Promise<Uint8Array>;
  /** @throws AppError data_unreadable. */
  unprotectBytes(message: Uint8Array, context: ContextRequest): Promise<Uint8Array>;
  /** Ends all data keys in memory: overwrites what can be, lets go of the rest. */
  forget(): void;
  /** Forgets and ends connections. */
  close(): void;
}

/** Octets that a user may have chosen never pass for a field: fields are of a context that no object has. */
const form = { form: "fields-1" } as const;

interface FieldCall {
  readonly record: object;
  readonly fields: readonly string[];
  readonly place: Pick<FieldContext, "record">;
  readonly change: (value: unknown, place: FieldPlace) => Promise<unknown>;
}

/** A copy of the record with what `change` makes of each field. */
async function changed({ record, fields, place, change }: FieldCall): Promise<object> {
  const present = [...new Set(fields)].filter((field) => Object.hasOwn(record, field));
  const values = record as Readonly<Record<string, unknown>>;
  const members = await Promise.all(
    present.map(async (field) => [field, await change(values[field], { field, ...place })] as const),
  );
  return { ...record, ...Object.fromEntries(members) };
}

/** @throws AppError configuration_invalid: a bound of the cache beyond the standard's. */
export function fleetkeyProtector({ keys, cache }: ProtectorOptions): Protector {
  const materials = boundedMaterials(keys.keyring, cacheBounds(cache));

  const encrypt = async (plaintext: Buffer, context: EncryptionContext): Promise<Buffer> => {
    try {
      return await encryptMessage(materials, plaintext, context);
    } finally {
      plaintext.fill(0);
    }
  };
  const contextOf = ({ purpose, subject, extra = {} }: ContextRequest, more = {}): EncryptionContext => {
    if (!Object.hasOwn(extra, "form"))
      return encryptionContext(keys.fleet, { purpose, subject, extra: { ...extra, ...more } });
    throw new AppError("request_invalid", 'context "form" says what is in a message; take another name');
  };
  const placeOf = ({ record }: FieldContext) => (record === undefined ? {} : { record });

  async function protect(
    record: object,
    fields: readonly string[],
    request: FieldContext,
    { encoding }: FieldEncoding<"base64" | "binary"> = { encoding: "base64" },
  ): Promise<object> {
    const context = contextOf(request, form);
    const change = async (value: unknown, place: FieldPlace) => {
      if (value === undefined) return undefined;
      const message = await encrypt(fieldPlaintext(place, value), context);
      return encoding === "binary" ? message : messageText(message);
    };
    return await changed({ record, fields, place: placeOf(request), change });
  }

  async function unprotect(
    record: object,
    fields: readonly string[],
    request: FieldContext,
  ): Promise<object> {
    const context = contextOf(request, form);
    const change = async (value: unknown, place: FieldPlace) => {
      if (value === undefined) return undefined;
      const plaintext = await decryptMessage(materials, messageIn(value), context);
      try {
        return fieldValue(plaintext, place);
      } finally {
        plaintext.fill(0);
      }
    };
    return await changed({ record, fields, place: placeOf(request), change });
  }

  return {
    protect: protect as Protector["protect"],
    unprotect: unprotect as Protector["unprotect"],
    protectBytes: async (bytes, request) => await encryptMessage(materials, bytes, contextOf(request)),
    unprotectBytes: async (message, request) => await decryptMessage(materials, message, contextOf(request)),
    forget: () => materials.clear(),
    close: () => {
      materials.clear();
      keys.close();
    },
  };
}
