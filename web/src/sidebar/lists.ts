import type { InfiniteData } from "@tanstack/react-query";
import type { Schemas } from "../api/client";
import { withoutMarks } from "../ui/marks";

export type Conversation = Schemas["Conversation"];
export type ConversationFilter = { character?: string; archived?: boolean; pinned?: boolean };
export type Pages = InfiniteData<Schemas["PaginatedConversationList"], string | null>;

const PAGE = 50;

/** When something was said last, or, before that, when it began: what lists are sorted by. */
export function timeOf({ last_message_at, created_at }: Conversation): number {
  return Date.parse(last_message_at ?? created_at);
}

/** What was said last, without the marks of Markdown; where a title is above it, the name as well says whose it is. */
export function previewOf({ title, character_name, last_message_preview: preview }: Conversation): string {
  const said = withoutMarks(preview).trim();
  return said || (title ? character_name : "Nothing was said yet");
}

/** A list with what has changed since it was loaded; the same object where nothing did. */
export function withChanges(
  list: Pages,
  filter: ConversationFilter,
  changed: Conversation[],
  deleted: string[],
): Pages {
  const before = list.pages.flatMap(({ results }) => results);
  const known = new Map(before.map((row) => [row.id, row]));
  const last = list.pages.at(-1)?.next ? before.at(-1) : undefined;
  const away = new Set(deleted.filter((id) => known.has(id)));
  const news: Conversation[] = [];
  for (const row of changed) {
    const old = known.get(row.id);
    if (old && isOld(row, old)) continue;
    if (old) away.add(row.id);
    // What stands further down than all that is loaded comes with the pages there.
    if (fits(row, filter) && (!last || !(latestFirst(last, row) < 0))) news.push(row);
  }
  if (away.size === 0 && news.length === 0) return list;
  const rows = [...before.filter(({ id }) => !away.has(id)), ...news].sort(latestFirst);
  const end = list.pages.length - 1;
  const pages = list.pages.map((page, index) => ({
    ...page,
    results: rows.slice(index * PAGE, index === end ? undefined : (index + 1) * PAGE),
  }));
  return { ...list, pages };
}

/** No news: the same, or what an answer told that was under way for longer. */
function isOld(row: Conversation, known: Conversation): boolean {
  const later = Date.parse(row.updated_at) - Date.parse(known.updated_at);
  return later < 0 || (later === 0 && JSON.stringify(row) === JSON.stringify(known));
}

function fits(row: Conversation, { character, archived, pinned }: ConversationFilter): boolean {
  return (
    (character === undefined || row.character === character) &&
    (archived === undefined || row.archived === archived) &&
    (pinned === undefined || row.pinned === pinned)
  );
}

function latestFirst(one: Conversation, other: Conversation): number {
  return timeOf(other) - timeOf(one) || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0);
}
