/** The ObjectStore contract over S3's requests: a double reads them, judges their conditions, and keeps versions. */
import { s3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { objectStoreContract } from "../../contracts/object-store.ts";
import { S3Double } from "./s3-double.ts";

objectStoreContract(
  "S3, its double",
  async () => {
    const client = new S3Double().client();
    return { store: s3ObjectStore({ bucket: "fleetkey-test", client }), close: async () => client.destroy() };
  },
  { namesVersions: true },
);
