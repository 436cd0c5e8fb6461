/** What a call throws, for tests that expect a refusal. */
import { expect } from "vitest";
import { AppError, type ErrorCode } from "../../core/errors.ts";

/** Octets of hexadecimal text; spaces part fields. */
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** The AppError that `act` throws; fails the test when it returns or throws anything else. */
export function refusal(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return expect.unreachable("the call returned, though a refusal was expected");
}

/** Code of the refusal. */
export const refusalCode = (act: () => unknown): ErrorCode => refusal(act).code;

/** True when `act` returns, false when it throws an AppError; anything else is rethrown. */
export function accepts(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}
