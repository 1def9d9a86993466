import type { RootContent } from "mdast";
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

// Beyond these, taking a text apart could hold up the page; nobody writes so in earnest.
const LONGEST = 100_000;
const MOST_MARKS = 2_000;
const MARKS = /[[\]*_~`<>|!&\\]/g;

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
  if (text.length > LONGEST || (text.match(MARKS)?.length ?? 0) > MOST_MARKS) return [plain(text)];
  try {
    return fromMarkdown(text, OPTIONS).children;
  } catch {
    return [plain(text)];
  }
}

function plain(text: string): RootContent {
  return { type: "paragraph", children: [{ type: "text", value: text }] };
}
