/**
 * Room: test/support. AWS's own model of its APIs as a judge of requests: botocore's validator for members and
 * types, and beside it the enums, lengths and patterns that the model states and that validator leaves to AWS.
 */
import { execFile } from "node:child_process";
import { emulatorsInstalled, python } from "./emulators.ts";

export interface ModelledRequest {
  readonly operation: string;
  /** As JSON 1.1 carries it: blobs in base64. */
  readonly body: Readonly<Record<string, unknown>>;
}

const script = `
import base64, json, re, sys
import botocore.session
from botocore.validate import ParamValidator

question = json.load(sys.stdin)
model = botocore.session.get_session().get_service_model(question["service"])

# Python has no classes of Unicode: what is asked for is narrower, and ASCII.
def narrowed(pattern):
    return pattern.replace(r"\\p{L}", "a-zA-Z").replace(r"\\p{Z}", " ").replace(r"\\p{N}", "0-9")

def stated(shape, value, path, found):
    said = shape.metadata
    if shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members: stated(shape.members[name], member, path + "." + name, found)
        return
    if shape.type_name == "list":
        for at, member in enumerate(value): stated(shape.member, member, "%s[%d]" % (path, at), found)
    if said.get("enum") and value not in said["enum"]: found.append("%s: %r is not in the enum" % (path, value))
    if "pattern" in said and not re.fullmatch(narrowed(said["pattern"]), value):
        found.append("%s: does not match %s" % (path, said["pattern"]))
    if shape.type_name in ("string", "list", "blob"):
        size = len(base64.b64decode(value)) if shape.type_name == "blob" else len(value)
        if not said.get("min", 0) <= size <= said.get("max", size): found.append("%s: length %d" % (path, size))

def complaints(request):
    if request["operation"] not in model.operation_names: return ["no such operation"]
    shape = model.operation_model(request["operation"]).input_shape
    report = ParamValidator().validate(request["body"], shape)
    found = [report.generate_report()] if report.has_errors() else []
    if not found: stated(shape, request["body"], request["operation"], found)
    return found

json.dump([complaints(request) for request in question["requests"]], sys.stdout)
`;

/**
 * What the model of `service` (botocore's name for it) complains of, per request; empty for a request that fits.
 * Needs `.ci/install-emulators`.
 */
export function modelComplaints(
  service: string,
  requests: readonly ModelledRequest[],
): Promise<readonly (readonly string[])[]> {
  if (!emulatorsInstalled) throw new Error("botocore is not installed; run .ci/install-emulators");
  return new Promise((resolve, reject) => {
    const options = { timeout: 60_000, maxBuffer: 16 * 1_024 * 1_024 };
    const child = execFile(python, ["-c", script], options, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as string[][]);
      else reject(error);
    });
    child.stdin?.end(JSON.stringify({ service, requests }));
  });
}
