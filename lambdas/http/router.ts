/**
 * Room: lambdas/http. Method and path → route. A trie made once from `routes.ts`: literal segments win over
 * parameters, nothing is decoded and nothing backtracks, so each resource has exactly one spelling. `%2e`,
 * `//`, a trailing slash and other letter case are other paths, and no such path exists (stricter than
 * RFC 3986 §6.2.2.2, which lets servers fold encoded unreserved characters).
 */
import { type Route, type RouteRow, routes } from "../routes.ts";

export type Match =
  | {
      readonly kind: "route";
      readonly route: RouteRow;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | { readonly kind: "otherMethod"; readonly allow: string }
  | { readonly kind: "none" };

interface Node<R extends Route> {
  readonly literals: Map<string, Node<R>>;
  parameter?: { readonly name: string; readonly node: Node<R> };
  /** Takes all segments that are left, as they are. */
  rest?: { readonly name: string; readonly node: Node<R> };
  readonly methods: Map<string, R>;
  allow: string;
}

const emptyNode = <R extends Route>(): Node<R> => ({ literals: new Map(), methods: new Map(), allow: "" });

// Longer than any path that a route can match: 3 × 64 octets of parameters and the literals.
const pathLimit = 512;

function restFor<R extends Route>(node: Node<R>, name: string, route: R): Node<R> {
  if (!route.path.endsWith(`{${name}+}`)) throw new Error(`route ${route.id} has {${name}+} before its end`);
  node.rest ??= { name, node: emptyNode<R>() };
  if (node.rest.name !== name) {
    throw new Error(`route ${route.id} calls {${node.rest.name}+} {${name}+}; use one name for it`);
  }
  return node.rest.node;
}

function childFor<R extends Route>(node: Node<R>, segment: string, route: R): Node<R> {
  if (!segment.startsWith("{")) {
    const child = node.literals.get(segment) ?? emptyNode<R>();
    node.literals.set(segment, child);
    return child;
  }
  const name = segment.slice(1, -1);
  if (name.endsWith("+")) return restFor(node, name.slice(0, -1), route);
  node.parameter ??= { name, node: emptyNode<R>() };
  if (node.parameter.name !== name) {
    throw new Error(`route ${route.id} calls {${node.parameter.name}} {${name}}; use one name for a segment`);
  }
  return node.parameter.node;
}

function allowOf(methods: Iterable<string>): string {
  const names = [...methods];
  return [...names, ...(names.includes("GET") ? ["HEAD"] : [])].sort().join(", ");
}

/** @throws Error when two routes have the same method and path, or name one segment differently. */
export function buildTrie<R extends Route>(rows: readonly R[]): Node<R> {
  const root = emptyNode<R>();
  for (const route of rows) {
    const end = route.path
      .slice(1)
      .split("/")
      .reduce((node, segment) => childFor(node, segment, route), root);
    if (end.methods.has(route.method)) throw new Error(`two routes for ${route.method} ${route.path}`);
    end.methods.set(route.method, route);
    end.allow = allowOf(end.methods.keys());
  }
  return root;
}

const trie = buildTrie<RouteRow>(routes);

/** HEAD is GET whose body is not sent (RFC 9110 §9.3.2). */
const methodOf = (method: string): string => (method === "HEAD" ? "GET" : method);

/** `path` as it came over the wire, without its query. */
export function matchRoute(method: string, path: string): Match {
  if (path.length > pathLimit || !path.startsWith("/")) return { kind: "none" };
  const parameters: Record<string, string> = {};
  let node: Node<RouteRow> = trie;
  const segments = path.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    const literal = node.literals.get(segment);
    if (literal !== undefined) {
      node = literal;
    } else if (node.parameter !== undefined && segment !== "") {
      parameters[node.parameter.name] = segment;
      node = node.parameter.node;
    } else if (node.rest !== undefined && segment !== "") {
      parameters[node.rest.name] = segments.slice(index).join("/");
      node = node.rest.node;
      break;
    } else {
      return { kind: "none" };
    }
  }
  const route = node.methods.get(methodOf(method));
  if (route !== undefined) return { kind: "route", route, parameters };
  return node.methods.size === 0 ? { kind: "none" } : { kind: "otherMethod", allow: node.allow };
}
