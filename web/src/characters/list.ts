import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { answer, api, cursorIn } from "../api/client";

export type Scope = "mine" | "public" | "all";

export function useCharacters(scope: Scope, search = "") {
  return useInfiniteQuery({
    queryKey: ["characters", { scope, search }],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/characters/", {
          params: { query: { scope, ...(search && { search }), ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
}

/** One character; null is none, as of a conversation whose character is gone. */
export function useCharacter(id: string | null | undefined) {
  return useQuery({
    queryKey: ["character", id],
    queryFn: () => answer(api.GET("/api/characters/{id}/", { params: { path: { id: id ?? "" } } })),
    enabled: !!id,
  });
}
