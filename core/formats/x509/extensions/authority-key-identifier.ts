/** Room: core/formats. authorityKeyIdentifier (RFC 5280 §4.2.1.1). */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { isMinimalInteger } from "../../der/structure.ts";
import { encodeContext, encodePrimitiveContext, encodeSequence } from "../../der/writer.ts";
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

/** At least one field; the issuer and its serial number come together or not at all. */
export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Uint8Array;
  readonly authorityCertIssuer?: readonly GeneralName[];
  /** Content octets of the INTEGER, as `TbsCertificate.serialNumber` has them. */
  readonly authorityCertSerialNumber?: Uint8Array;
}

function check(value: AuthorityKeyIdentifier): AuthorityKeyIdentifier {
  const { keyIdentifier, authorityCertIssuer: issuer, authorityCertSerialNumber: serial } = value;
  if (keyIdentifier === undefined && issuer === undefined && serial === undefined) {
    throw new AppError("der_malformed", "no field is present; give the keyIdentifier");
  }
  if (keyIdentifier?.length === 0) throw new AppError("der_malformed", "keyIdentifier is empty");
  if ((issuer === undefined) !== (serial === undefined)) {
    throw new AppError("der_malformed", "authorityCertIssuer and authorityCertSerialNumber go together");
  }
  if (serial !== undefined && !isMinimalInteger(serial, 0, serial.length)) {
    throw new AppError("der_malformed", "authorityCertSerialNumber is empty or not minimal");
  }
  return value;
}

function decodeIssuer(fields: DerCursor): readonly GeneralName[] | undefined {
  const names = fields.optionalContext(1);
  return names === undefined ? undefined : decodeGeneralNames(names);
}

export const authorityKeyIdentifier: ExtensionType<AuthorityKeyIdentifier> = extensionType(
  "2.5.29.35",
  "authorityKeyIdentifier",
  {
    encode(value) {
      const { keyIdentifier, authorityCertIssuer, authorityCertSerialNumber } = check(value);
      const fields: Buffer[] = [];
      if (keyIdentifier !== undefined) fields.push(encodePrimitiveContext(0, keyIdentifier));
      if (authorityCertIssuer !== undefined) {
        fields.push(encodeContext(1, ...encodeGeneralNames(authorityCertIssuer)));
      }
      if (authorityCertSerialNumber !== undefined) {
        fields.push(encodePrimitiveContext(2, authorityCertSerialNumber));
      }
      return encodeSequence(...fields);
    },
    decode(cursor) {
      const fields = cursor.sequence();
      const keyIdentifier = fields.optionalPrimitive(0);
      const authorityCertIssuer = decodeIssuer(fields);
      const authorityCertSerialNumber = fields.optionalPrimitive(2);
      fields.done();
      return check({
        ...(keyIdentifier && { keyIdentifier }),
        ...(authorityCertIssuer && { authorityCertIssuer }),
        ...(authorityCertSerialNumber && { authorityCertSerialNumber }),
      });
    },
  },
);
