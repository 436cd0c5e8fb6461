/** Room: test. Every function makes a verifier when it starts; the libraries behind it wait for the first use. */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const adapter = resolve(import.meta.dirname, "../../../adapters/identity/identity-verifier.ts");

/** Packages that `act` loads, in a process of its own. */
function packagesOf(act: string): readonly string[] {
  const program = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === "jose" || specifier.startsWith("@simplewebauthn/")) loaded.add(specifier);
        return next(specifier, context);
      },
    });
    const { identityVerifier } = await import(${JSON.stringify(adapter)});
    const verifier = identityVerifier();
    ${act}
    console.log(JSON.stringify([...loaded].sort()));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  return JSON.parse(output) as string[];
}

it("making the verifier loads neither library", () => {
  expect(packagesOf("")).toEqual([]);
});

it("a proof loads jose alone", () => {
  const act =
    'await verifier.verifyProof("a", { method: "GET", url: "https://a/", now: 0 }).catch(() => undefined);';
  expect(packagesOf(act)).toEqual(["jose"]);
});
