/** Keeps lists of conversations true while things happen in other tabs, on other devices, and on the server. */

import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { isRefusal } from "../api/refusal";
import { useAllTabs } from "../talk/tabs";
import { withChanges, type Conversation, type ConversationFilter, type Pages } from "./lists";

/** How the keys of lists begin. Who changed conversations invalidates `["conversations"]`: then it is asked what is new. */
export const LISTS = ["conversation lists"] as const;
const CHANGES = ["conversations"];

const LOOK_MS = 5_000;
/** While an answer is being written, to be seen as such. */
const LOOK_SOON_MS = 1_500;
/** A list that was on its way meanwhile may be this much older. */
const OVERLAP_MS = 20_000;
const MOST_PAGE = 100;

/** What is asked with next, and the newest token, which takes its place once it is old enough. */
type Place = { from: string; since: string; at: number };

export function useStaying() {
  const client = useQueryClient();
  useQuery({
    queryKey: CHANGES,
    queryFn: () => lookAgain(client),
    refetchInterval: () => (anyGenerating(client) ? LOOK_SOON_MS : LOOK_MS),
    refetchOnWindowFocus: "always",
    staleTime: 0,
    // It is asked again soon enough.
    retry: false,
  });
  useAllTabs(() => void client.invalidateQueries({ queryKey: CHANGES }));
}

/** Puts changed conversations in their places in every list. */
export function change(client: QueryClient, changed: Conversation[], deleted: string[] = []) {
  for (const { queryKey } of client.getQueryCache().findAll({ queryKey: LISTS }))
    client.setQueryData<Pages>(
      queryKey,
      (list) => list && withChanges(list, queryKey[LISTS.length] as ConversationFilter, changed, deleted),
    );
}

async function lookAgain(client: QueryClient): Promise<Place | null> {
  const now = Date.now();
  const place = client.getQueryData<Place | null>(CHANGES) ?? beginning(client, now);
  if (!place) return null;
  try {
    const since = await changesSince(client, place.from);
    return now - place.at < OVERLAP_MS ? place : { from: place.since, since, at: now };
  } catch (error) {
    if (!isRefusal(error, "sync_expired")) throw error;
    await client.resetQueries({ queryKey: LISTS });
    return null;
  }
}

/** From where a list is that was loaded: there is none before that. */
function beginning(client: QueryClient, at: number): Place | null {
  for (const [, list] of client.getQueriesData<Pages>({ queryKey: LISTS })) {
    const since = list?.pages[0]?.since;
    if (since) return { from: since, since, at };
  }
  return null;
}

async function changesSince(client: QueryClient, from: string): Promise<string> {
  const changed: Conversation[] = [];
  const deleted: string[] = [];
  let more: string | null = null;
  let page: Schemas["PaginatedConversationList"];
  do {
    const query: { since: string; cursor?: string } = { since: from, ...(more && { cursor: more }) };
    page = await answer(api.GET("/api/conversations/", { params: { query: { ...query, page_size: MOST_PAGE } } }));
    changed.push(...page.results);
    deleted.push(...(page.deleted ?? []));
    more = page.next && new URL(page.next, window.location.origin).searchParams.get("cursor");
  } while (more);
  change(client, changed, deleted);
  return page.since ?? from;
}

function anyGenerating(client: QueryClient): boolean {
  const lists = client.getQueriesData<Pages>({ queryKey: LISTS });
  return lists.some(([, list]) => list?.pages.some(({ results }) => results.some(({ generating }) => generating)));
}
