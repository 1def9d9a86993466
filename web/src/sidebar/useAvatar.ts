import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";

const FRESH_MS = 10 * 60 * 1000;

/** The picture of a character that a conversation is with; null where there is none, or the character is gone. */
export function useAvatar(character: string | null): string | null {
  const { data } = useQuery({
    queryKey: ["character", character],
    queryFn: () => answer(api.GET("/api/characters/{id}/", { params: { path: { id: character ?? "" } } })),
    enabled: character !== null,
    staleTime: FRESH_MS,
    // Rows come and go while one scrolls: who is gone is not asked for each time.
    retryOnMount: false,
  });
  return data?.avatar ?? null;
}
