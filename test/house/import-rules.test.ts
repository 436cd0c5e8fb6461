import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const configuration = join(root, ".dependency-cruiser.cjs");

/** A module of the sample project: what it imports, and the rule that must speak up (none: it is allowed). */
interface Sample {
  readonly module: string;
  readonly imports: string;
  readonly rule?: string;
  /** How the import is written. @default a value import */
  readonly as?: "type" | "inline type" | "re-export" | "dynamic" | "dynamic under using" | "side effect";
}

const refused: readonly Sample[] = [
  { module: "protect/a.ts", imports: "lambdas/routes.ts", rule: "protect-knows-messages" },
  { module: "protect/b.ts", imports: "core/ports.ts", as: "type", rule: "protect-knows-messages" },
  { module: "protect/c.ts", imports: "zod", rule: "protect-uses-one-package" },
  { module: "cli/commands/p.ts", imports: "protect/a.ts", rule: "protect-is-for-clients" },
  { module: "core/issuance/a.ts", imports: "zod", rule: "core-knows-only-core" },
  { module: "core/issuance/b.ts", imports: "node:fs", rule: "core-knows-only-core" },
  { module: "core/issuance/c.ts", imports: "adapters/local/store.ts", rule: "core-knows-only-core" },
  {
    module: "core/issuance/d.ts",
    imports: "adapters/local/store.ts",
    as: "type",
    rule: "core-knows-only-core",
  },
  {
    module: "core/issuance/e.ts",
    imports: "adapters/local/store.ts",
    as: "inline type",
    rule: "core-knows-only-core",
  },
  {
    module: "core/issuance/f.ts",
    imports: "lambdas/routes.ts",
    as: "re-export",
    rule: "core-knows-only-core",
  },
  { module: "core/issuance/g.ts", imports: "lambdas/routes.ts", as: "dynamic", rule: "core-knows-only-core" },
  {
    module: "core/issuance/l.ts",
    imports: "lambdas/routes.ts",
    as: "dynamic under using",
    rule: "core-knows-only-core",
  },
  {
    module: "core/issuance/h.ts",
    imports: "lambdas/routes.ts",
    as: "side effect",
    rule: "core-knows-only-core",
  },
  { module: "core/formats/a.ts", imports: "core/ports.ts", as: "type", rule: "formats-know-only-formats" },
  { module: "core/formats/b.ts", imports: "core/standard/table.ts", rule: "formats-know-only-formats" },
  { module: "core/standard/a.ts", imports: "core/formats/der.ts", rule: "standard-knows-nothing" },
  { module: "core/standard/b.ts", imports: "node:crypto", rule: "standard-knows-nothing" },
  { module: "core/policy/a.ts", imports: "core/ports.ts", as: "type", rule: "policy-and-lint-judge-values" },
  { module: "core/lint/a.ts", imports: "core/policy/decision.ts", rule: "policy-and-lint-judge-values" },
  { module: "core/errors.ts", imports: "core/formats/der.ts", rule: "errors-know-nothing" },
  { module: "core/ports.ts", imports: "core/formats/der.ts", rule: "ports-are-types" },
  { module: "adapters/local/a.ts", imports: "adapters/aws/store.ts", rule: "adapters-implement-ports" },
  { module: "adapters/local/b.ts", imports: "core/issuance/prepare.ts", rule: "adapters-implement-ports" },
  { module: "adapters/local/c.ts", imports: "zod", rule: "local-adapter-is-builtin" },
  { module: "adapters/system/a.ts", imports: "zod", rule: "system-adapter-is-builtin" },
  { module: "adapters/aws/a.ts", imports: "adapters/local/store.ts", rule: "adapters-implement-ports" },
  { module: "adapters/aws/b.ts", imports: "zod", rule: "aws-adapter-uses-its-sdk" },
  { module: "adapters/identity/a.ts", imports: "zod", rule: "identity-adapter-uses-its-libraries" },
  { module: "adapters/identity/b.ts", imports: "adapters/local/store.ts", rule: "adapters-implement-ports" },
  { module: "adapters/encryption/a.ts", imports: "zod", rule: "encryption-adapter-uses-its-library" },
  { module: "adapters/encryption/b.ts", imports: "adapters/aws/store.ts", rule: "adapters-implement-ports" },
  {
    module: "adapters/aws/c.ts",
    imports: "@aws-crypto/client-node",
    rule: "messages-are-made-behind-the-port",
  },
  {
    module: "lambdas/http/e.ts",
    imports: "adapters/encryption/cipher.ts",
    rule: "encryption-is-bound-where-an-app-is-made",
  },
  { module: "adapters/local/d.ts", imports: "jose", rule: "identities-are-verified-behind-the-port" },
  {
    module: "lambdas/enrollment/handler.ts",
    imports: "adapters/aws/store.ts",
    rule: "aws-is-bound-in-entries",
  },
  { module: "lambdas/rotation/entry.ts", imports: "adapters/local/store.ts", rule: "lambdas-know-core" },
  { module: "lambdas/http/a.ts", imports: "citty", rule: "lambdas-use-few-packages" },
  { module: "lambdas/http/b.ts", imports: "node:fs", rule: "lambdas-do-no-io" },
  { module: "lambdas/http/c.ts", imports: "lambdas/http/openapi.ts", rule: "openapi-is-rendered" },
  { module: "lambdas/http/d.ts", imports: "zod-openapi", rule: "openapi-is-rendered" },
  { module: "local/a.ts", imports: "lambdas/enrollment/entry.ts", rule: "entries-are-ends" },
  { module: "local/b.ts", imports: "adapters/aws/store.ts", rule: "local-binds-local" },
  { module: "local/c.ts", imports: "zod", rule: "local-is-builtin" },
  { module: "infra/a.ts", imports: "core/issuance/prepare.ts", rule: "infra-knows-routes" },
  { module: "infra/b.ts", imports: "zod", rule: "infra-uses-cdk" },
  { module: "infra/d.ts", imports: "esbuild", rule: "functions-are-bundled-once" },
  { module: "scripts/b.ts", imports: "esbuild", rule: "functions-are-bundled-once" },
  { module: "infra/function-bundle.ts", imports: "aws-cdk-lib", rule: "bundling-uses-esbuild" },
  { module: "cli/commands/a.ts", imports: "local/server.ts", rule: "cli-is-a-client" },
  { module: "cli/commands/b.ts", imports: "core/issuance/prepare.ts", rule: "cli-is-a-client" },
  { module: "cli/commands/serve.ts", imports: "core/issuance/prepare.ts", rule: "serve-starts-local" },
  { module: "cli/c.ts", imports: "zod", rule: "cli-uses-few-packages" },
  { module: "core/issuance/i.ts", imports: "test/double.ts", rule: "product-needs-no-test" },
  { module: "infra/c.ts", imports: "@peculiar/x509", rule: "judges-only-judge" },
  { module: "local/d.ts", imports: "pkijs", rule: "product-needs-no-development-package" },
  { module: "scripts/a.ts", imports: "unnamed", rule: "no-undeclared-package" },
  { module: "core/issuance/j.ts", imports: "core/issuance/missing.ts", rule: "no-unresolvable" },
  { module: "core/issuance/tick.ts", imports: "core/issuance/tock.ts", rule: "no-circular" },
  { module: "cli/orphan.ts", imports: "", rule: "no-orphans" },
  { module: "core/issuance/k.ts", imports: "core/issuance/utils.ts", rule: "no-drawers" },
];

const allowed: readonly Sample[] = [
  { module: "core/issuance/prepare.ts", imports: "core/ports.ts", as: "type" },
  { module: "core/issuance/utils.ts", imports: "core/errors.ts" },
  { module: "core/formats/der.ts", imports: "core/formats/tag.ts" },
  { module: "core/formats/algorithms.ts", imports: "node:crypto" },
  { module: "core/policy/decision.ts", imports: "core/standard/table.ts" },
  { module: "core/policy/context.ts", imports: "core/protection-values.ts", as: "type" },
  { module: "core/standard/table.ts", imports: "core/standard/profiles.ts" },
  { module: "adapters/local/store.ts", imports: "node:sqlite" },
  { module: "adapters/local/keys.ts", imports: "core/formats/algorithms.ts" },
  { module: "adapters/aws/store.ts", imports: "@aws-sdk/client-kms" },
  { module: "adapters/encryption/cipher.ts", imports: "@aws-crypto/client-node" },
  { module: "adapters/encryption/frames.ts", imports: "core/standard/protection.ts" },
  { module: "lambdas/routes.ts", imports: "core/standard/table.ts" },
  { module: "lambdas/enrollment/entry.ts", imports: "adapters/aws/store.ts" },
  { module: "lambdas/protection/entry.ts", imports: "adapters/encryption/cipher.ts" },
  { module: "lambdas/http/schemas.ts", imports: "zod" },
  { module: "lambdas/http/openapi.ts", imports: "zod-openapi" },
  { module: "lambdas/http/event.ts", imports: "aws-lambda", as: "type" },
  { module: "local/server.ts", imports: "lambdas/http/event.ts" },
  { module: "local/app.ts", imports: "adapters/encryption/cipher.ts" },
  { module: "infra/stack.ts", imports: "aws-cdk-lib" },
  { module: "infra/routes.ts", imports: "lambdas/routes.ts" },
  { module: "scripts/c.ts", imports: "infra/function-bundle.ts" },
  { module: "cli/commands/enroll.ts", imports: "lambdas/http/schemas.ts" },
  { module: "cli/main.ts", imports: "citty" },
  { module: "test/double.ts", imports: "pkijs" },
];

/** Leaves of the sample project; something above imports each, so none is an orphan. */
const leaves = [
  "core/formats/tag.ts",
  "core/standard/profiles.ts",
  "core/standard/protection.ts",
  "core/protection-values.ts",
];
/** Imports that other samples need beside them: the way back of a cycle, a second line of a module. */
const companions: readonly Sample[] = [
  { module: "core/issuance/tock.ts", imports: "core/issuance/tick.ts" },
  { module: "cli/commands/serve.ts", imports: "local/server.ts" },
];

const dependencies = ["zod", "citty", "jose", "@aws-sdk/client-kms", "@aws-crypto/client-node"];
const devDependencies = [
  "aws-cdk-lib",
  "esbuild",
  "zod-openapi",
  "pkijs",
  "@peculiar/x509",
  "@types/aws-lambda",
];

function statement({ module, imports, as }: Sample): string {
  if (imports === "") return "";
  const path = relative(dirname(module), imports);
  const specifier = /^[a-z]+\/.*\.ts$/.test(imports) ? (path.startsWith(".") ? path : `./${path}`) : imports;
  if (as === "type") return `import type { T } from "${specifier}";\n`;
  if (as === "inline type") return `import { type T } from "${specifier}";\n`;
  if (as === "re-export") return `export { t } from "${specifier}";\n`;
  if (as === "dynamic") return `export const t = () => import("${specifier}");\n`;
  if (as === "dynamic under using") {
    return `export async function t() {\n  await using t = await import("${specifier}");\n  return t;\n}\n`;
  }
  if (as === "side effect") return `import "${specifier}";\n`;
  return `import { t } from "${specifier}";\n`;
}

function write(directory: string, path: string, text: string): void {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { flag: "a" });
}

function writeProject(directory: string): void {
  const versions = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  const manifest = {
    type: "module",
    dependencies: versions(dependencies),
    devDependencies: versions(devDependencies),
  };
  write(directory, "package.json", JSON.stringify(manifest));
  for (const name of [...dependencies, ...devDependencies, "unnamed"]) {
    const own = { name, version: "1.0.0", main: "index.js", types: "index.d.ts" };
    write(directory, `node_modules/${name}/package.json`, JSON.stringify(own));
    write(directory, `node_modules/${name}/index.js`, "");
    write(directory, `node_modules/${name}/index.d.ts`, "export type T = 1;");
  }
  for (const path of leaves) write(directory, path, "export type T = 1;\n");
  for (const sample of [...refused, ...allowed, ...companions])
    write(directory, sample.module, statement(sample));
}

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

function cruise(directory: string): readonly Violation[] {
  const program = join(root, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const rooms = ["core", "adapters", "lambdas", "infra", "local", "cli", "protect", "scripts", "test"];
  const options = ["--config", configuration, "--output-type", "json"];
  const output = execFileSync(process.execPath, [program, ...options, ...rooms], {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result = JSON.parse(output) as { summary: { violations: readonly Violation[] } };
  return result.summary.violations;
}

describe("import rules", () => {
  const directory = mkdtempSync(join(tmpdir(), "fleetkey-imports-"));
  let violations: readonly Violation[] = [];
  beforeAll(() => {
    writeProject(directory);
    violations = cruise(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const rulesBroken = (module: string): string[] =>
    violations.filter(({ from }) => from === module).map(({ rule }) => rule.name);

  for (const { module, imports, as = "value", rule = "" } of refused) {
    it(`${rule}: ${module} may not import ${imports || "nothing and be imported by nothing"} (${as})`, () => {
      expect(rulesBroken(module)).toContain(rule);
    });
  }

  for (const { module, imports } of allowed) {
    it(`${module} may import ${imports}`, () => {
      expect(rulesBroken(module)).toEqual([]);
    });
  }

  it("fire, every one of them", () => {
    const { forbidden } = createRequire(import.meta.url)(configuration) as { forbidden: { name: string }[] };
    const fired = new Set(violations.map(({ rule }) => rule.name));
    expect(forbidden.map(({ name }) => name).filter((name) => !fired.has(name))).toEqual([]);
    expect(
      forbidden.map(({ name }) => name).filter((name) => !refused.some(({ rule }) => rule === name)),
    ).toEqual([]);
  });
});
