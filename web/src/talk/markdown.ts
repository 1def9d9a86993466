import type { Nodes, RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmAutolinkLiteralFromMarkdown } from "mdast-util-gfm-autolink-literal";
import { gfmStrikethroughFromMarkdown } from "mdast-util-gfm-strikethrough";
import { gfmTableFromMarkdown } from "mdast-util-gfm-table";
import { gfmTaskListItemFromMarkdown } from "mdast-util-gfm-task-list-item";
import { gfmAutolinkLiteral } from "micromark-extension-gfm-autolink-literal";
import { gfmStrikethrough } from "micromark-extension-gfm-strikethrough";
import { gfmTable } from "micromark-extension-gfm-table";
import { gfmTaskListItem } from "micromark-extension-gfm-task-list-item";

const OPTIONS = {
  extensions: [gfmAutolinkLiteral(), gfmStrikethrough({ singleTilde: false }), gfmTable(), gfmTaskListItem()],
  mdastExtensions: [
    gfmAutolinkLiteralFromMarkdown(),
    gfmStrikethroughFromMarkdown(),
    gfmTableFromMarkdown(),
    gfmTaskListItemFromMarkdown(),
  ],
};

// Beyond these, taking a text apart and showing it could hold up the page; nobody writes so in earnest.
const LONGEST = 100_000;
const DEEPEST = 40;
const DEEP_LINE = new RegExp(`^(?:[ \\t]*[>*+-]){${DEEPEST}}`, "m");

export type Block = { key: number; start: number; node: RootContent };
export type Parsed = { text: string; blocks: Block[] };

export function parsed(text: string, before?: Parsed): Parsed {
  const last = before?.blocks.at(-1);
  // What is appended changes the last block at most: the others stay the objects that they are.
  const from = before && last && text.startsWith(before.text) ? last.start : 0;
  const kept = from > 0 && before ? before.blocks.slice(0, -1) : [];
  const rest = text.slice(from);
  const blocks = nodesOf(rest).map((node, index) => ({
    key: kept.length + index,
    start: from + (node.position?.start.offset ?? 0),
    node,
  }));
  return { text, blocks: [...kept, ...blocks] };
}

function nodesOf(text: string): RootContent[] {
  // A line of nothing but asterisks or dashes is none of those.
  if (text.length > LONGEST || DEEP_LINE.test(text.replace(/^[*-]+$/gm, ""))) return [plain(text)];
  const { children } = fromMarkdown(text, OPTIONS);
  return isDeep(children) ? [plain(text)] : children;
}

function isDeep(nodes: RootContent[]): boolean {
  let level: Nodes[] = nodes;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((node) => ("children" in node ? node.children : []));
  }
  return false;
}

function plain(text: string): RootContent {
  return { type: "paragraph", children: [{ type: "text", value: text }] };
}
