/** Room: core/formats. HardwareModuleName (RFC 4108 §5): how a maker names one module of one type of hardware. */
import { DerCursor } from "./der/cursor.ts";
import { checkDer } from "./der/structure.ts";

/** id-on-hardwareModuleName, the type of the otherName that carries it. */
export const hardwareModuleNameOid = "1.3.6.1.5.5.7.8.4";

export interface HardwareModuleName {
  /** Dotted object identifier. */
  readonly hwType: string;
  readonly hwSerialNum: Uint8Array;
}

/** @param value The whole element inside the otherName. @throws AppError der_malformed. */
export function decodeHardwareModuleName(value: Uint8Array): HardwareModuleName {
  checkDer(value);
  const fields = DerCursor.inSequence(value);
  const hwType = fields.oid();
  const hwSerialNum = fields.octetString();
  fields.done();
  return { hwType, hwSerialNum };
}
