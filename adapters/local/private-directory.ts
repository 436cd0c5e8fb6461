/** Room: adapters/local. Directories and files for their owner's eyes only; also for the embedded server. */
export { ensurePrivateDirectory, publishPrivateFile } from "./keystore/private-files.ts";
