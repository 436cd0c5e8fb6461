/**
 * The import table of the house, as rules: which room may know which. `npm run check:imports` enforces it,
 * test/house/import-rules.test.ts proves that each rule fires, docs/adr/0003 says where it differs from the
 * first table and why.
 */

const { Visitor } = require("@swc/core/Visitor.js");

// swc parses `using` declarations (ES2026) and its visitor, which dependency-cruiser walks with, stops at them.
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function visitUsing(statement) {
  if (statement.type !== "UsingDeclaration") return visitStatement.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};

const rooms = "^(core|adapters|lambdas|infra|local|cli|protect|console|test|bench|scripts)/";
const packages = "^node_modules/";
const awsHandlerTypes = "^(node_modules/@types/)?aws-lambda";

/** A relative path that leads nowhere: no-unresolvable says so once, no other rule repeats it. */
const unresolved = "^\\.\\.?/";

/** A rule in the form of a table row: `from` may import, of what `among` selects, only `only`. */
const only = (name, comment, from, among, allowed) => ({
  name,
  comment,
  severity: "error",
  from,
  to: { ...among, pathNot: [...allowed, unresolved] },
});

const never = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

const core = [
  only(
    "core-knows-only-core",
    "The product itself: no SDK, no framework, no other room; node:crypto to verify and hash.",
    { path: "^core/" },
    {},
    ["^core/", "^crypto$"],
  ),
  only(
    "formats-know-only-formats",
    "Bytes and values stand alone; they fail with the one error class and let node:crypto verify and hash.",
    { path: "^core/formats/" },
    {},
    ["^core/formats/", "^core/errors\\.ts$", "^crypto$"],
  ),
  only(
    "standard-knows-nothing",
    "The security standard is data: whoever reads it needs nothing else.",
    { path: "^core/standard/" },
    {},
    ["^core/standard/"],
  ),
  only(
    "policy-and-lint-judge-values",
    "A judgement depends on the bytes and the standard alone, never on a use case or a store.",
    { path: "^core/(policy|lint)/" },
    {},
    ["^core/$1/", "^core/formats/", "^core/standard/", "^core/(errors|protection-values)\\.ts$", "^crypto$"],
  ),
  only(
    "errors-know-nothing",
    "Every room imports the error class; it can import none.",
    { path: "^core/errors\\.ts$" },
    {},
    [],
  ),
  never(
    "ports-are-types",
    "Ports say what is asked of the world; a value import would tie every adapter to an implementation.",
    { path: "^core/ports\\.ts$" },
    { dependencyTypesNot: ["type-only"] },
  ),
];

const adapters = [
  only(
    "adapters-implement-ports",
    "An adapter knows the ports, the limits and cursors that all stores share, the error codes, the algorithm rows and the standard of data at rest, and never another adapter.",
    { path: "^adapters/([^/]+)/" },
    { path: rooms },
    [
      "^adapters/$1/",
      "^core/(ports|protection-ports|errors|item-limits|item-cursor|object-limits|custody-limits|notice)\\.ts$",
      "^core/formats/algorithms?[^/]*\\.ts$",
      "^core/standard/protection\\.ts$",
    ],
  ),
  never(
    "local-adapter-is-builtin",
    "The embedded default runs on Node alone.",
    { path: "^adapters/local/" },
    { path: packages },
  ),
  never(
    "system-adapter-is-builtin",
    "Clock and random source are the machine's own, wherever the App runs.",
    { path: "^adapters/system/" },
    { path: packages },
  ),
  only(
    "identity-adapter-uses-its-libraries",
    "Tokens, proofs and passkeys are read by libraries that others keep, and by these alone.",
    { path: "^adapters/identity/" },
    { path: packages },
    ["^node_modules/(jose|@simplewebauthn)/"],
  ),
  never(
    "identities-are-verified-behind-the-port",
    "Every function carries the verifier; were these imported elsewhere, every function would load them.",
    { pathNot: "^(adapters/identity|test|bench)/" },
    { path: "^node_modules/(jose|@simplewebauthn)/" },
  ),
  only(
    "encryption-adapter-uses-its-library",
    "Messages are made and read by the AWS Encryption SDK, and by it alone.",
    { path: "^adapters/encryption/" },
    { path: packages },
    ["^node_modules/@aws-crypto/"],
  ),
  never(
    "messages-are-made-behind-the-port",
    "The AWS Encryption SDK brings the client of KMS and much else: whoever protects nothing does not load it.",
    { pathNot: "^(adapters/encryption|protect|test|bench)/" },
    { path: "^node_modules/@aws-crypto/" },
  ),
  never(
    "encryption-is-bound-where-an-app-is-made",
    "Only the function that protects data carries it, so only entries and the local server bind it.",
    { pathNot: ["^lambdas/.+/entry\\.ts$", "^(adapters/encryption|local|protect|test|bench)/"] },
    { path: "^adapters/encryption/" },
  ),
  only(
    "aws-adapter-uses-its-sdk",
    "AWS is reached through its own SDK only.",
    { path: "^adapters/aws/" },
    { path: packages },
    ["^node_modules/(@aws-sdk|@smithy)/"],
  ),
  never(
    "aws-is-bound-in-entries",
    "The very same handlers run without an account, so only an entry binds them to AWS.",
    { pathNot: ["^lambdas/.+/entry\\.ts$", "^adapters/aws/", "^(test|bench)/"] },
    { path: "^adapters/aws/" },
  ),
];

const edges = [
  only(
    "lambdas-know-core",
    "A handler parses, authorises, calls one use case and renders.",
    { path: "^lambdas/" },
    { path: rooms },
    ["^lambdas/", "^core/", "^adapters/(aws|encryption|identity|system)/"],
  ),
  only(
    "lambdas-use-few-packages",
    "Every package in a function is start-up time and attack surface.",
    { path: "^lambdas/" },
    { path: packages },
    ["^node_modules/(@middy|zod|zod-openapi|@aws-lambda-powertools)/", awsHandlerTypes],
  ),
  only(
    "lambdas-do-no-io",
    "Files, sockets and processes are reached through ports, or the handler would differ between stages.",
    { path: "^lambdas/" },
    { dependencyTypes: ["core"] },
    ["^(crypto|buffer|util|url|querystring|zlib)$"],
  ),
  never(
    "openapi-is-rendered",
    "Functions serve the document that `npm run docs` rendered; what renders it stays out of them.",
    { pathNot: ["^lambdas/http/openapi[^/]*\\.ts$", "^(test|bench|scripts)/"] },
    { path: ["^lambdas/http/openapi[^/]*\\.ts$", "^node_modules/zod-openapi/"] },
  ),
  never(
    "entries-are-ends",
    "An entry binds the App to AWS when it is loaded; nothing may load it by the way.",
    { pathNot: "^(test|bench)/" },
    { path: "^lambdas/.+/entry\\.ts$" },
  ),
  only(
    "local-binds-local",
    "The embedded server binds the handlers to the local adapters.",
    { path: "^local/" },
    { path: rooms },
    ["^local/", "^lambdas/", "^adapters/(encryption|local|identity|system)/", "^core/"],
  ),
  only(
    "local-is-builtin",
    "`npm start` needs no server framework: Node's own https is the server.",
    { path: "^local/" },
    { path: packages },
    [awsHandlerTypes],
  ),
  only(
    "infra-knows-routes",
    "What is deployed follows from the routes, the standard and what a name may be, not from the code behind them.",
    { path: "^infra/" },
    { path: rooms },
    ["^infra/", "^lambdas/routes\\.ts$", "^core/standard/", "^core/policy/identifiers\\.ts$"],
  ),
  only(
    "infra-uses-cdk",
    "Constructs come from CDK; the SDK has no place at synthesis.",
    { path: "^infra/", pathNot: "^infra/function-bundle\\.ts$" },
    { path: packages },
    ["^node_modules/(aws-cdk-lib|constructs|cdk-nag|@aws-cdk)/"],
  ),
  never(
    "functions-are-bundled-once",
    "One module makes the functions' bundles: what is measured and tested is what is deployed.",
    { pathNot: "^infra/function-bundle\\.ts$" },
    { path: "^node_modules/esbuild/" },
  ),
  only(
    "bundling-uses-esbuild",
    "Bundles are made without CDK, so that a measurement does not load it.",
    { path: "^infra/function-bundle\\.ts$" },
    { path: packages },
    ["^node_modules/esbuild/"],
  ),
  only(
    "cli-is-a-client",
    "The CLI knows the API's schemas and words, the error codes, the formats, what a context of data is, and how a manifest is verified.",
    { path: "^cli/", pathNot: "^cli/commands/(serve|fleet-create|backend-create)\\.ts$" },
    { path: rooms },
    [
      "^cli/",
      "^lambdas/http/(answer-|access-|device-|offline-)?schemas\\.ts$",
      "^lambdas/http/(access|distribution|protection|renewal|revocation|rotation|server)-answers\\.ts$",
      "^core/errors\\.ts$",
      "^core/policy/encryption-context\\.ts$",
      "^core/standard/protection\\.ts$",
      "^core/revocation/reason\\.ts$",
      "^core/distribution/(manifest-signature|manifest-walk|trust-manifest|certificate-status)\\.ts$",
      "^core/rotation/offline/(answer|request|signing|statement|transcript|verification)\\.ts$",
      "^core/formats/",
    ],
  ),
  only(
    "serve-starts-local",
    "`fleetkey serve`, `fleetkey fleet create` and `fleetkey backend create` run the product instead of calling it.",
    { path: "^cli/commands/(serve|fleet-create|backend-create)\\.ts$" },
    { path: rooms },
    ["^cli/", "^local/", "^core/errors\\.ts$"],
  ),
  only(
    "cli-uses-few-packages",
    "A command line tool starts at once.",
    { path: "^cli/" },
    { path: packages },
    ["^node_modules/(citty|@clack|@bomb\\.sh|uqr)/"],
  ),
];

/** What runs in the processes of others. */
const clients = [
  only(
    "protect-knows-messages",
    "`fleetkey/protect` is installed in backends: it brings what a message and a context are, and no part of the service.",
    { path: "^protect/" },
    { path: rooms },
    [
      "^protect/",
      "^core/(errors|protection-values)\\.ts$",
      "^core/policy/encryption-context\\.ts$",
      "^core/standard/protection\\.ts$",
      "^adapters/encryption/(message-structure|unreadable)\\.ts$",
    ],
  ),
  only(
    "protect-uses-one-package",
    "Whoever installs it trusts what it loads: the AWS Encryption SDK, and Node.",
    { path: "^protect/" },
    { path: packages },
    ["^node_modules/@aws-crypto/client-node/"],
  ),
  never(
    "protect-is-for-clients",
    "The service has a cipher of its own behind a port.",
    { pathNot: "^(protect|test|bench|scripts)/" },
    { path: "^protect/" },
  ),
];

const everywhere = [
  never(
    "product-needs-no-test",
    "What ships cannot depend on what checks it.",
    { path: rooms, pathNot: "^(test|bench|scripts)/" },
    { path: "^(test|bench|scripts)/" },
  ),
  never(
    "judges-only-judge",
    "Outside implementations judge our bytes; were they used to make them, they would judge themselves.",
    { pathNot: "^(test|bench)/" },
    { path: "^node_modules/(pkijs|asn1js|@peculiar|fast-check)/" },
  ),
  never(
    "product-needs-no-development-package",
    "A production install leaves development packages out.",
    { path: "^(core|adapters|lambdas|local|cli|protect)/", pathNot: "^lambdas/http/openapi[^/]*\\.ts$" },
    { dependencyTypes: ["npm-dev"], pathNot: awsHandlerTypes },
  ),
  never(
    "no-undeclared-package",
    "A package that package.json does not name is there by chance.",
    {},
    { dependencyTypes: ["npm-no-pkg", "npm-unknown"], pathNot: awsHandlerTypes },
  ),
  never(
    "no-unresolvable",
    "An import that leads nowhere hides from every other rule.",
    {},
    { couldNotResolve: true, pathNot: awsHandlerTypes },
  ),
  never(
    "no-circular",
    "Two modules that need each other are one module, or want a third.",
    {},
    { circular: true },
  ),
  never(
    "no-orphans",
    "A module that nothing imports and that imports nothing is dead.",
    { orphan: true, path: rooms },
    {},
  ),
  never(
    "no-drawers",
    "A module is named for what it holds; these names hold anything.",
    {},
    { path: "(^|/)(utils?|helpers?|common|misc)\\.ts$", pathNot: packages },
  ),
];

module.exports = {
  forbidden: [...core, ...adapters, ...edges, ...clients, ...everywhere],
  options: {
    // TypeScript 7 has no compiler API, so the sources are parsed by swc, type imports included. It does not
    // see `import("x").T` in a type: biome/inline-type-import.grit forbids writing that.
    parser: "swc",
    moduleSystems: ["es6"],
    doNotFollow: { path: packages },
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
