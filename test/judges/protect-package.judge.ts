/** Room: test/judges. npm packs, Node imports and TypeScript reads `fleetkey/protect` as an installed package. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type KeyServer, startKeyServer } from "../protect/key-server.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "fleetkey-pack-"));
let server: KeyServer;

/** As npm installs it: the packed files, and the dependencies beside them. */
beforeAll(async () => {
  server = await startKeyServer();
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, npm_config_loglevel: "error" },
  });
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf("["))) as [{ filename: string }];
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "fleetkey"), { recursive: true });
  execFileSync("tar", [
    "-xzf",
    join(folder, filename),
    "-C",
    join(modules, "fleetkey"),
    "--strip-components=1",
  ]);
  for (const name of ["@aws-crypto", "@types"])
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
}, 120_000);

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const program = `
import { AppError, fleetkeyProtector, isAppError, serviceKeys } from "fleetkey/protect";
const { url, ca, cert, key } = JSON.parse(process.env["SERVER"] ?? "");
const protector = fleetkeyProtector({ keys: serviceKeys({ url, fleet: "default", ca, cert, key }) });
const context = { purpose: "observations", subject: "s-1" };
const stored = await protector.protect({ id: 1, note: "bolus" }, ["note"], context);
const other = await protector.unprotect(stored, ["note"], { ...context, subject: "s-2" }).catch((e) => e);
const opened = await protector.unprotect(stored, ["note"], context);
protector.close();
console.log(JSON.stringify([stored.note.slice(0, 11), opened, isAppError(other, "data_unreadable"), other instanceof AppError]));
`;

it("Node imports it from node_modules, protects and reads", async () => {
  writeFileSync(join(folder, "program.js"), program);
  const env = {
    ...process.env,
    SERVER: JSON.stringify({ url: server.url, ca: server.ca, ...server.client }),
  };
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "program.js")], { env });
  expect(JSON.parse(stdout)).toEqual(["fleetkey:1:", { id: 1, note: "bolus" }, true, true]);
});

it("TypeScript finds its types: a protected field is text, and a field that the record lacks is an error", () => {
  const good = 'const text: string = (await p.protect({ note: 1 }, ["note"], c)).note; export { text };\n';
  const bad = '// @ts-expect-error no such field\nawait p.protect({ note: 1 }, ["nota"], c);\n';
  const head =
    'import { fleetkeyProtector, serviceKeys } from "fleetkey/protect";\n' +
    'const p = fleetkeyProtector({ keys: serviceKeys({ url: "https://a", fleet: "f", token: async () => "t" }) });\n' +
    'const c = { purpose: "o", subject: "s" };\n';
  writeFileSync(join(folder, "types.ts"), head + good + bad);
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--skipLibCheck"];
  const run = () =>
    execFileSync(process.execPath, [compiler, ...options, "--types", "node", "types.ts"], {
      cwd: folder,
      encoding: "utf8",
      stdio: "pipe",
    });
  expect(run()).toBe("");
});
