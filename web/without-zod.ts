// Stands in for zod in what the AI SDK defines when it is loaded and the page never uses. Using it is an error.

const USES = new Set<PropertyKey>(["parse", "parseAsync", "safeParse", "safeParseAsync", "_zod", "~standard"]);

const schema: unknown = new Proxy(() => schema, {
  get: (_, name) => {
    if (USES.has(name)) throw new Error("zod is left out of this page.");
    return schema;
  },
});

export const z = schema;
export const ZodFirstPartyTypeKind = schema;
export const safeParseAsync = schema;
export const toJSONSchema = schema;
