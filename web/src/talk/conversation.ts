import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { tellTabs } from "./tabs";

export type Conversation = Schemas["Conversation"];

const LOOK_MS = 5_000;

export function askFor(id: string) {
  return answer(api.GET("/api/conversations/{id}/", { params: { path: { id } } }));
}

/** The conversation, looked at again and again while it is on the screen: other tabs and devices talk in it, too. */
export function useConversation(id: string) {
  return useQuery({
    queryKey: ["conversation", id],
    queryFn: () => askFor(id),
    refetchInterval: LOOK_MS,
    refetchOnWindowFocus: "always",
    staleTime: 0,
  });
}

/** Puts what the server answered in the place of what is known of it, and tells all who show it. */
export async function keep(client: QueryClient, conversation: Conversation) {
  const queryKey = ["conversation", conversation.id];
  // An answer that is older than this one shall not come after it.
  await client.cancelQueries({ queryKey });
  client.setQueryData(queryKey, conversation);
  void client.invalidateQueries({ queryKey: ["conversations"] });
}

/** Changes what a conversation is called, is about, and so on. */
export function useChange(id: string) {
  const client = useQueryClient();
  return async (body: Schemas["PatchedConversationRequest"]) => {
    await keep(client, await answer(api.PATCH("/api/conversations/{id}/", { params: { path: { id } }, body })));
    tellTabs(id);
  };
}
