import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api, cursorIn, type Schemas } from "../api/client";
import { takeAway, useTakenAway } from "./leaving";

export type Tool = Schemas["Tool"];
export type Kind = Schemas["ToolKindEnum"];
export type Builtin = Schemas["BuiltinEnum"];

export const KINDS: Record<Kind, string> = {
  builtin: "Built in",
  http: "HTTP request",
  mcp: "MCP server",
};

export const BUILTINS: [Builtin, string, string][] = [
  ["dice", "Dice", "Rolls real dice, such as 3d6+2."],
  ["time", "Time", "Tells the date and the time, anywhere."],
  ["calculator", "Calculator", "Reckons, so that the model need not guess."],
  ["knowledge", "Knowledge", "Looks further into the texts that the character knows."],
  ["remember", "Remember", "Keeps facts about whoever it talks to."],
  ["recall", "Recall", "Tells the facts that were kept."],
];

/** All of mine: there are 200 at most. */
export function useTools() {
  const gone = useTakenAway();
  const list = useQuery({
    queryKey: ["tools"],
    queryFn: async () => {
      const tools: Tool[] = [];
      let cursor: string | null = null;
      do {
        const query: { page_size: number; cursor?: string } = { page_size: 100, ...(cursor && { cursor }) };
        const page: Schemas["PaginatedToolList"] = await answer(api.GET("/api/tools/", { params: { query } }));
        tools.push(...page.results);
        cursor = cursorIn(page.next);
      } while (cursor);
      return tools;
    },
  });
  const known = new Set(list.data?.map(({ id }) => id));
  return { ...list, known, data: list.data?.filter(({ id }) => !gone.has(id)) };
}

export function useKeepTool() {
  const client = useQueryClient();
  return (tool: Tool) => {
    client.setQueryData(["tools"], (tools: Tool[] | undefined) =>
      tools?.some(({ id }) => id === tool.id)
        ? tools.map((each) => (each.id === tool.id ? tool : each))
        : [tool, ...(tools ?? [])],
    );
    void client.invalidateQueries({ queryKey: ["tools"] });
  };
}

export function useRemoveTool() {
  const client = useQueryClient();
  return ({ id, name }: Tool, onGone: () => void) =>
    takeAway(id, `The tool ${name} is deleted, for all characters.`, async (leaving) => {
      await answer(api.DELETE("/api/tools/{id}/", { params: { path: { id } }, keepalive: leaving }));
      onGone();
      void client.invalidateQueries({ queryKey: ["tools"] });
      void client.invalidateQueries({ queryKey: ["character"] });
    });
}
