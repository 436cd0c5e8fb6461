import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bundleFunction } from "../../infra/function-bundle.ts";
import { routes, tasks } from "../../lambdas/routes.ts";
import { forwardedCertificateHeader } from "../../scripts/rehearsal/forwarded-certificate.ts";

const directory = mkdtempSync(join(tmpdir(), "fleetkey-bundles-"));
afterAll(() => rmSync(directory, { recursive: true }));

const httpFunctions = [...new Set(routes.map((route) => route.function))];
const taskFunctions = tasks.map((task) => task.function);
const wrapper = resolve(import.meta.dirname, "../../scripts/rehearsal/forwarded-certificate.ts");

describe("the header by which a rehearsal forwards client certificates", () => {
  it.each([...httpFunctions, ...taskFunctions])("is unknown to the bundle of %s", (entry) => {
    const { file } = bundleFunction({ entry, directory: join(directory, entry) });
    expect(readFileSync(file, "utf8")).not.toContain(forwardedCertificateHeader);
  });

  it.each(httpFunctions)("is known to a rehearsal's bundle of %s", (entry) => {
    const { file } = bundleFunction({ entry, wrapper, directory: join(directory, `${entry}-rehearsed`) });
    expect(readFileSync(file, "utf8")).toContain(forwardedCertificateHeader);
  });
});
