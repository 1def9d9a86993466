import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { forgetDrafts } from "../talk/drafts";
import { settleAll } from "../ui/toasts";

export const SESSION = ["session"];
/** Whose drafts are on this device. */
const OWNER = "dramatis.owner";

/** Also brings the cookie without which nothing can be sent. */
export function useSession() {
  return useQuery({
    queryKey: SESSION,
    queryFn: () => answer(api.GET("/api/auth/session/")),
    staleTime: Infinity,
    refetchOnWindowFocus: "always",
  });
}

export function useUser(): Schemas["Me"] {
  const { data } = useSession();
  if (!data?.user) throw new Error("Nobody is signed in.");
  return data.user;
}

export function useSignIn() {
  const client = useQueryClient();
  return async (email: string, password: string) => {
    const session = await answer(api.POST("/api/auth/session/", { body: { email, password } }));
    // What another person saw, or was writing, is not shown to this one.
    const id = session.user?.id ?? "";
    if ((localStorage.getItem(OWNER) ?? id) !== id) forgetDrafts();
    localStorage.setItem(OWNER, id);
    client.clear();
    client.setQueryData(SESSION, session);
  };
}

export function useSignOut() {
  const client = useQueryClient();
  return async () => {
    // What was deleted, and could still be taken back, is so in earnest: later nobody may do it.
    await settleAll();
    await answer(api.DELETE("/api/auth/session/"));
    forgetDrafts();
    await forget(client);
  };
}

/** Asks anew who we are, and drops all that was loaded. */
export async function forget(client: QueryClient) {
  await client.invalidateQueries({ queryKey: SESSION });
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] });
}
