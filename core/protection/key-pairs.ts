/** Room: core/protection. Key pairs whose private key leaves the service as a message alone. */
import type { EncryptionContext, ProtectionApp } from "../ports.ts";
import type { DataKeyPairAlgorithm } from "../standard/protection.ts";
import { type DataRequest, dataContext } from "./data-caller.ts";
import { withNewWrapping } from "./wrapping.ts";

export interface DataKeyPairRequest extends DataRequest {
  readonly keyAlgorithm: DataKeyPairAlgorithm;
}

export interface WrappedKeyPair {
  readonly context: EncryptionContext;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
  /** A message whose plaintext is PKCS #8, DER. */
  readonly wrappedPrivateKey: Buffer;
}

/** @throws AppError as `createDataKey`. */
export async function createDataKeyPair(
  app: ProtectionApp,
  request: DataKeyPairRequest,
): Promise<WrappedKeyPair> {
  const { caller, keyAlgorithm } = request;
  const data = dataContext(caller, request.context);
  const { publicKey, privateKey } = await app.keyPairs.make(keyAlgorithm);
  try {
    const wrappedPrivateKey = await withNewWrapping(app, caller, data, (wrapping) =>
      app.cipher.encrypt(wrapping, privateKey, data.context),
    );
    return { context: data.context, publicKey, wrappedPrivateKey };
  } finally {
    privateKey.fill(0);
  }
}
