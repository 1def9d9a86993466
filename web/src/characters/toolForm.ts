import type { Schemas } from "../api/client";
import type { Builtin, Kind, Tool } from "./tools";

export type Pair = { name: string; value: string };

/** A tool as it is written: what is JSON is a text, what has names is a list. */
export type ToolForm = {
  kind: Kind;
  name: string;
  description: string;
  builtin: Builtin;
  method: Schemas["MethodEnum"];
  url: string;
  headers: Pair[];
  query: Pair[];
  body: string;
  parameters: string;
  /** Of an MCP server's: those that are offered; null: all. */
  functions: string[] | null;
  /** Those that are set anew. */
  secrets: Pair[];
  /** Those that are taken away. */
  unset: string[];
  usable_by_others: boolean;
};

const NO_ARGUMENTS = { type: "object", properties: {}, additionalProperties: false };

export function formOf(tool: Tool | null): ToolForm {
  const { http, mcp } = tool ?? {};
  return {
    kind: tool?.kind ?? "builtin",
    name: tool?.name ?? "",
    description: tool?.description ?? "",
    builtin: tool?.builtin ?? "dice",
    method: http?.method ?? "GET",
    url: http?.url ?? mcp?.url ?? "",
    headers: pairsOf(http?.headers ?? mcp?.headers ?? {}),
    query: pairsOf(http?.query ?? {}),
    body: http?.body ? JSON.stringify(http.body, null, 2) : "",
    parameters: JSON.stringify(tool?.kind === "http" ? tool.parameters : NO_ARGUMENTS, null, 2),
    functions: mcp?.functions ?? null,
    secrets: [],
    unset: [],
    usable_by_others: tool?.usable_by_others ?? false,
  };
}

/** What is wrong with a form before the server is asked: JSON that is none. */
export class NoJson extends Error {
  constructor(
    readonly attr: string,
    cause: unknown,
  ) {
    super(`This is not JSON: ${cause instanceof Error ? cause.message : ""}`);
  }
}

export function requestOf(form: ToolForm): Schemas["ToolRequest"] {
  const secrets = Object.fromEntries<string | null>([
    ...form.unset.map((name) => [name, null] as const),
    ...form.secrets.filter(({ name }) => name).map(({ name, value }) => [name, value] as const),
  ]);
  const base = {
    kind: form.kind,
    name: form.name.trim(),
    description: form.description,
    usable_by_others: form.usable_by_others,
    ...(Object.keys(secrets).length > 0 && { secrets }),
  };
  const { url } = form;
  const headers = objectOf(form.headers);
  switch (form.kind) {
    case "builtin":
      return { ...base, builtin: form.builtin };
    case "http": {
      const body = form.body.trim() ? jsonIn(form.body, "http.body") : null;
      const http = { method: form.method, url, headers, query: objectOf(form.query), body };
      return { ...base, http, parameters: jsonIn(form.parameters || "{}", "parameters") };
    }
    case "mcp":
      return { ...base, mcp: { url, headers, functions: form.functions } };
  }
}

export function jsonIn(text: string, attr: string): Schemas["JSONObject"] {
  try {
    return JSON.parse(text) as Schemas["JSONObject"];
  } catch (error) {
    throw new NoJson(attr, error);
  }
}

function pairsOf(object: Record<string, string>): Pair[] {
  return Object.entries(object).map(([name, value]) => ({ name, value }));
}

function objectOf(pairs: Pair[]): Record<string, string> {
  return Object.fromEntries(pairs.filter(({ name }) => name.trim()).map(({ name, value }) => [name.trim(), value]));
}
