import { useChat } from "@ai-sdk/react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Conversation } from "./conversation";
import { sizeOf, type Page } from "./messages";
import { useOtherTabs } from "./tabs";
import { Talk } from "./talk";

/** Long enough that a fast answer costs few renderings, short enough that it seems to flow. */
const THROTTLE_MS = 50;

/** `lookedAt`: when the server was last asked for the conversation. */
export function useTalk(conversation: Conversation, first: Page, lookedAt: number) {
  const client = useQueryClient();
  const { id } = conversation;
  const [talk] = useState(() => new Talk(id, first, client));
  const state = useSyncExternalStore(talk.watch, talk.state);
  const { messages, status } = useChat({ chat: talk.chat, experimental_throttle: THROTTLE_MS });
  const busy = state.following || status === "submitted" || status === "streaming";

  useEffect(() => {
    talk.enter();
    return talk.leave;
  }, [talk]);
  // With every look, too: what could not be loaded the last time is loaded now.
  useEffect(() => talk.notice(conversation, lookedAt), [talk, conversation, busy, lookedAt]);
  useOtherTabs(id, () => void client.invalidateQueries({ queryKey: ["conversation", id] }));

  const { hold } = state;
  const shown = messages.map((message) =>
    busy && hold?.id === message.id && sizeOf(message) < sizeOf(hold) ? hold : message,
  );
  return { talk, ...state, messages: shown, busy, waiting: status !== "streaming" && busy };
}
