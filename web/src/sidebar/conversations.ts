import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { answer, api, cursorIn } from "../api/client";
import { told } from "../api/refusal";
import { useChange } from "../talk/conversation";
import { tellTabs } from "../talk/tabs";
import { Leaving, useLeaving } from "../ui/leaving";
import { toast, undoable } from "../ui/toasts";
import type { Conversation, ConversationFilter } from "./lists";
import { change, LISTS } from "./staying";

const leaving = new Leaving();

/** Conversations, latest first, those that are archived apart. `Sidebar` keeps all such lists true (`staying.ts`). */
export function useConversations(filter: ConversationFilter = {}) {
  const query = { archived: false, ...filter };
  const gone = useLeaving(leaving);
  const list = useInfiniteQuery({
    queryKey: [...LISTS, query],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/conversations/", { params: { query: { ...query, ...(pageParam && { cursor: pageParam }) } } }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
    // What happens to it is told; loading all pages anew would tell nothing more.
    staleTime: Infinity,
  });
  return { ...list, data: list.data?.filter(({ id }) => !gone.has(id)) };
}

/** Changes a conversation in all lists at once, and on the server. */
export function useChangeListed(conversation: Conversation) {
  const client = useQueryClient();
  const ask = useChange(conversation.id);
  return (body: { title?: string; pinned?: boolean; archived?: boolean }) => {
    change(client, [{ ...conversation, ...body }]);
    ask(body).catch((error: unknown) => {
      change(client, [conversation]);
      toast(told(error), "danger");
    });
  };
}

/** Takes a conversation out of all lists at once, and deletes it when nobody took that back. */
export function useRemoveConversation() {
  const client = useQueryClient();
  const [place, navigate] = useLocation();
  return (id: string) => {
    const here = place === `/c/${id}`;
    if (here) navigate("/");
    leaving.add(id);
    undoable(
      "Conversation deleted.",
      (closing) => {
        const gone = api.DELETE("/api/conversations/{id}/", { params: { path: { id } }, keepalive: closing });
        return answer(gone)
          .then(() => {
            change(client, [], [id]);
            client.removeQueries({ queryKey: ["conversation", id] });
            tellTabs(id);
          })
          .catch((error: unknown) => {
            leaving.delete(id);
            toast(told(error), "danger");
          });
      },
      () => {
        leaving.delete(id);
        if (here && window.location.pathname === "/") navigate(`/c/${id}`);
      },
    );
  };
}
