import { isObject } from "./book";

export const TYPES = [
  ["string", "Text"],
  ["integer", "Whole number"],
  ["number", "Number"],
  ["boolean", "Yes or no"],
] as const;

export type Argument = { name: string; type: (typeof TYPES)[number][0]; description: string; needed: boolean };

/** The arguments of a JSON Schema; null where it says more than rows can show. */
export function simpleArguments(schema: string): Argument[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(schema || "{}");
  } catch {
    return null;
  }
  if (!isObject(parsed)) return null;
  const { type = "object", properties = {}, required = [], additionalProperties = false, ...more } = parsed;
  if (type !== "object" || additionalProperties !== false || Object.keys(more).length > 0) return null;
  if (!isObject(properties) || !Array.isArray(required)) return null;
  const rows: Argument[] = [];
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) return null;
    const { type, description = "", ...more } = property;
    const known = TYPES.find(([each]) => each === type);
    if (!known || typeof description !== "string" || Object.keys(more).length > 0) return null;
    rows.push({ name, type: known[0], description, needed: required.includes(name) });
  }
  return rows;
}

export function schemaOf(rows: Argument[]): string {
  const properties = Object.fromEntries(
    rows.map(({ name, type, description }) => [name, { type, ...(description && { description }) }]),
  );
  const required = rows.filter(({ needed }) => needed).map(({ name }) => name);
  return JSON.stringify({ type: "object", properties, required, additionalProperties: false }, null, 2);
}
