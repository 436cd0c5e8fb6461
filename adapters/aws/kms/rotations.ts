/**
 * Room: adapters/aws. What KMS tells of the rotations of a symmetric key, and the request for one.
 */
import {
  GetKeyRotationStatusCommand,
  type GetKeyRotationStatusCommandOutput,
  type KMSClient,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
  type RotationsListEntry,
} from "@aws-sdk/client-kms";
import { AppError } from "../../../core/errors.ts";
import { ask, disabledNames, keyDisabled, unlessRefused } from "./key-state.ts";

export function rotationStatus(client: KMSClient, key: string): Promise<GetKeyRotationStatusCommandOutput> {
  const command = new GetKeyRotationStatusCommand({ KeyId: key });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  return ask({ permission: "kms:GetKeyRotationStatus", key, send });
}

/** The most that one answer holds (KMS API reference). A key rotates 25 times on demand, and every 90 days at most. */
const pageLimit = 1_000;
const pages = 10;

/** Rotations that are over. @throws AppError key_service_unavailable for a list that does not end. */
export async function listRotations(client: KMSClient, key: string): Promise<readonly RotationsListEntry[]> {
  const permission = "kms:ListKeyRotations";
  const found: RotationsListEntry[] = [];
  let marker: string | undefined;
  for (let page = 0; page < pages; page += 1) {
    const input = { KeyId: key, Limit: pageLimit, ...(marker === undefined ? {} : { Marker: marker }) };
    const command = new ListKeyRotationsCommand(input);
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
    const {
      Rotations: rotations = [],
      Truncated: more,
      NextMarker: next,
    } = await ask({ permission, key, send });
    found.push(...rotations);
    if (more !== true || next === undefined) return found;
    marker = next;
  }
  throw new AppError(
    "key_service_unavailable",
    `${permission} on ${key}: more than ${pages * pageLimit} rotations; look at the endpoint that answers`,
  );
}

/** @throws AppError key_rotation_exhausted, key_disabled, key_service_unavailable. */
export async function rotateKey(client: KMSClient, key: string): Promise<void> {
  const permission = "kms:RotateKeyOnDemand";
  const command = new RotateKeyOnDemandCommand({ KeyId: key });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const call = ask({ permission, key, send }).then(() => undefined);
  const unlessDisabled = unlessRefused(call, disabledNames, ({ cause }) => {
    throw keyDisabled(permission, key, cause);
  });
  await unlessRefused(unlessDisabled, ["LimitExceededException"], ({ cause }) => {
    const message = `${permission} on ${key}: KMS rotates no key more often on demand; make a new key and move to it`;
    throw new AppError("key_rotation_exhausted", message, { cause });
  });
}
