/**
 * Room: adapters/encryption. The octets of a message, read with limits: every length is checked before it is used.
 * Whatever is not there is unreadable.
 */
import { unreadable } from "./unreadable.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface MessageOctets {
  /** Octets read so far. */
  readonly position: () => number;
  readonly uint8: () => number;
  readonly uint16: () => number;
  readonly uint32: () => number;
  /** A view, no copy. */
  readonly octets: (length: number) => Uint8Array;
  /** Of a length that two octets before it tell. */
  readonly counted: () => Uint8Array;
}

/** Readers throw AppError data_unreadable at the end of `bytes`. */
export function messageOctets(bytes: Uint8Array): MessageOctets {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  const take = (length: number): number => {
    const start = position;
    if (length > bytes.byteLength - start) throw unreadable();
    position += length;
    return start;
  };
  const octets = (length: number): Uint8Array => bytes.subarray(take(length), position);
  const uint16 = (): number => view.getUint16(take(2));
  return {
    position: () => position,
    uint8: () => view.getUint8(take(1)),
    uint16,
    uint32: () => view.getUint32(take(4)),
    octets,
    counted: () => octets(uint16()),
  };
}

/** @throws AppError data_unreadable: not UTF-8. */
export function text(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    throw unreadable();
  }
}
