import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api, cursorIn, type Schemas } from "../api/client";
import { takeAway, useTakenAway } from "./leaving";
import { called } from "./names";

export type Character = Schemas["Character"];
export type Scope = "mine" | "public" | "all";

const NO_TAGS: string[] = [];

export function useCharacters(scope: Scope, search = "", tag = NO_TAGS) {
  const gone = useTakenAway();
  const list = useInfiniteQuery({
    queryKey: ["characters", { scope, search, tag }] as const,
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/characters/", {
          params: {
            query: {
              scope,
              ...(search && { search }),
              ...(tag.length > 0 && { tag }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
    // While one types, what was found stays until there is more to see.
    placeholderData: (before, query) => (query?.queryKey[1].scope === scope ? before : undefined),
  });
  return { ...list, data: list.data?.filter(({ id }) => !gone.has(id)) };
}

/** One character; null is none, as of a conversation whose character is gone. */
export function useCharacter(id: string | null | undefined) {
  return useQuery({
    queryKey: ["character", id],
    queryFn: () => answer(api.GET("/api/characters/{id}/", { params: { path: { id: id ?? "" } } })),
    enabled: !!id,
  });
}

/** Puts what the server answered in the place of what is known of a character. */
export function useKeepCharacter() {
  const client = useQueryClient();
  return async (character: Character) => {
    const queryKey = ["character", character.id];
    // An answer that is older than this one shall not come after it.
    await client.cancelQueries({ queryKey });
    client.setQueryData(queryKey, character);
    void client.invalidateQueries({ queryKey: ["characters"] });
  };
}

/** Takes a character out of all lists at once, and deletes it when nobody took that back. */
export function useRemoveCharacter() {
  const client = useQueryClient();
  return ({ id, name }: Character) =>
    takeAway(id, `${called(name)} is deleted. What you said to each other stays.`, async (leaving) => {
      await answer(api.DELETE("/api/characters/{id}/", { params: { path: { id } }, keepalive: leaving }));
      void client.invalidateQueries({ queryKey: ["characters"] });
      void client.invalidateQueries({ queryKey: ["conversations"] });
      client.removeQueries({ queryKey: ["character", id] });
    });
}

/** What a character may say first, with the number that the API knows it by. */
export function greetingsOf({ first_message, alternate_greetings }: Character) {
  return [first_message, ...alternate_greetings]
    .map((text, index) => ({ text, index }))
    .filter(({ text }) => text.trim() !== "");
}
