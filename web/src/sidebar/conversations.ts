import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { answer, api, cursorIn } from "../api/client";
import { told } from "../api/refusal";
import { toast, undoable } from "../ui/toasts";

export type ConversationFilter = { character?: string; archived?: boolean; search?: string };

export function useConversations(filter: ConversationFilter = {}) {
  const query = { archived: false, ...filter };
  const gone = useSyncExternalStore(leaving.watch, leaving.all);
  const list = useInfiniteQuery({
    queryKey: ["conversations", query],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/conversations/", { params: { query: { ...query, ...(pageParam && { cursor: pageParam }) } } }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
  return { ...list, data: list.data?.filter(({ id }) => !gone.has(id)) };
}

/** Takes a conversation out of all lists at once, and deletes it when nobody took that back. */
export function useRemoveConversation() {
  const client = useQueryClient();
  return (id: string) => {
    leaving.set(id, true);
    undoable(
      "Conversation deleted.",
      (closing) => {
        const gone = api.DELETE("/api/conversations/{id}/", { params: { path: { id } }, keepalive: closing });
        answer(gone)
          .then(() => client.invalidateQueries({ queryKey: ["conversations"] }))
          .catch((error: unknown) => {
            leaving.set(id, false);
            toast(told(error), "danger");
          });
      },
      () => leaving.set(id, false),
    );
  };
}

/** What is being deleted, by its ids: not shown, however often lists are loaded anew. */
const leaving = {
  ids: new Set<string>() as ReadonlySet<string>,
  watchers: new Set<() => void>(),
  all: () => leaving.ids,
  watch: (watcher: () => void) => {
    leaving.watchers.add(watcher);
    return () => void leaving.watchers.delete(watcher);
  },
  set: (id: string, gone: boolean) => {
    leaving.ids = new Set(gone ? [...leaving.ids, id] : [...leaving.ids].filter((each) => each !== id));
    for (const watcher of leaving.watchers) watcher();
  },
};
