import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { answer, api, cursorIn, type Schemas } from "../api/client";

export type Hit = Schemas["Hit"];

export function useHits(q: string, character: string | null) {
  const query = { q, ...(character && { character }) };
  const hits = useInfiniteQuery({
    queryKey: ["search", query],
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/search/", { params: { query: { ...query, ...(pageParam && { cursor: pageParam }) } }, signal }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
    // While one goes on typing, what was found stays.
    placeholderData: keepPreviousData,
    enabled: q !== "",
  });
  return q === "" ? { ...hits, data: undefined, error: null, hasNextPage: false } : hits;
}

/** Hits that follow each other in one conversation, together. */
export function grouped(hits: Hit[]): Hit[][] {
  const groups: Hit[][] = [];
  for (const hit of hits) {
    const last = groups.at(-1);
    if (last?.[0]?.conversation.id === hit.conversation.id) last.push(hit);
    else groups.push([hit]);
  }
  return groups;
}
