import { useInfiniteQuery } from "@tanstack/react-query";
import { answer, api, cursorIn } from "../api/client";

export type ConversationFilter = { character?: string; archived?: boolean; search?: string };

export function useConversations(filter: ConversationFilter = {}) {
  const query = { archived: false, ...filter };
  return useInfiniteQuery({
    queryKey: ["conversations", query],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/conversations/", { params: { query: { ...query, ...(pageParam && { cursor: pageParam }) } } }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
}
