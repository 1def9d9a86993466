import type { UIMessage } from "ai";
import { answer, api, cursorIn, type Schemas } from "../api/client";

/** `sent_as`: the id that it had here before the server gave it one. */
export type TalkMetadata = Schemas["UIMetadata"] & { sent_as?: string };
/** Without metadata it is not known to be saved: it was just sent, or is being written. */
export type TalkMessage = UIMessage<TalkMetadata>;

/** What `data-turn` tells at a stream's end. */
export type Told = Schemas["Turn"];

/** A part of the path, oldest first; `older` leads to what was said before. */
export type Page = { messages: TalkMessage[]; older: string | null };

export async function loadPage(id: string, cursor: string | null = null, size = 50): Promise<Page> {
  const query = { page_size: size, ...(cursor && { cursor }) };
  const page = await answer(api.GET("/api/chat/{id}/messages/", { params: { path: { id }, query } }));
  return { messages: page.results, older: cursorIn(page.next) };
}

/** What is shown with the path's newest page put in; `kept` says whether older ones that were loaded still lead there. */
export function withNewest(shown: TalkMessage[], page: Page): { messages: TalkMessage[]; kept: boolean } {
  const known = new Map(shown.map((message) => [message.id, message]));
  const fresh = page.messages.map((message) => unchanged(known.get(message.id), message));
  const first = fresh[0];
  if (!first) return { messages: [], kept: false };
  const at = shown.findIndex(({ id }) => id === first.id);
  const end = at >= 0 ? at : shown.findIndex(({ id }) => id === first.metadata?.parent) + 1;
  return { messages: [...shown.slice(0, end), ...fresh], kept: end > 0 };
}

/** The object that is shown already where nothing changed, so that nothing is rendered anew. */
function unchanged(before: TalkMessage | undefined, after: TalkMessage): TalkMessage {
  if (!before?.metadata) return after;
  const { sent_as, ...metadata } = before.metadata;
  const same = JSON.stringify([before.parts, metadata]) === JSON.stringify([after.parts, after.metadata]);
  if (same || !after.metadata || !sent_as) return same ? before : after;
  return { ...after, metadata: { ...after.metadata, sent_as } };
}

/** The messages with what the server said of a turn that has ended. */
export function settled(messages: TalkMessage[], turn: Told): TalkMessage[] {
  const { user_message: user, assistant_message: assistant } = turn;
  return messages.map((message) => {
    if (message.id === assistant.id) return { ...message, metadata: metadataOf(assistant) };
    if (user && (message.id === user.id || message.id === user.client_id))
      return { ...message, id: user.id, metadata: { ...metadataOf(user), sent_as: message.id } };
    return message;
  });
}

/** Whether what is shown before a turn is what it was said after: somebody may have said more from another device. */
export function follows(messages: TalkMessage[], { user_message: user, assistant_message: assistant }: Told): boolean {
  const first = user ?? assistant;
  const before = messages[messages.findIndex(({ id }) => id === first.id) - 1];
  return !before || before.id === first.parent;
}

function metadataOf(row: Schemas["Message"]): TalkMetadata {
  const { created_at, edited_at, status, error, model, rating, client_id } = row;
  const { parent, siblings, sibling_index, sibling_count } = row;
  return {
    ...{ created_at, edited_at, status, error, model, rating, client_id },
    ...{ parent, siblings, sibling_index, sibling_count },
  };
}

export function textOf(message: TalkMessage): string {
  return message.parts
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("\n\n")
    .trim();
}

/** How much of a message there is, whatever it is. */
export function sizeOf(message: TalkMessage): number {
  return message.parts.reduce((sum, part) => sum + ("text" in part ? part.text.length : 1), 0);
}

/** Names that stay the same when a turn is swiped, sent or answered anew: of what it follows. */
export function keysOf(messages: TalkMessage[]): string[] {
  return messages.map((message, index) => {
    const before = messages[index - 1];
    return before ? `after ${before.metadata?.sent_as ?? before.id}` : `after ${message.metadata?.parent ?? "nothing"}`;
  });
}

export function isGreeting(message: TalkMessage): boolean {
  return message.role === "assistant" && message.metadata?.parent === null;
}
