/**
 * Room: core/records. Index partitions are split in sixteen, so that no partition is hot per fleet
 * (DynamoDB carries about 1,000 writes a second on one).
 */

/** All sixteen, "0" to "f". */
export const shards: readonly string[] = Array.from({ length: 16 }, (_, index) => index.toString(16));

/** The shard of a lowercase hexadecimal serial number: its last digit, which is uniformly random. */
export function shardOf(serialNumber: string): string {
  return serialNumber.slice(-1);
}
