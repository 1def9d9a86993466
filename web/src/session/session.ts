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
    queryFn: async () => cleared(await answer(api.GET("/api/auth/session/"))),
    staleTime: Infinity,
    refetchOnWindowFocus: "always",
  });
}

/** What another person was writing is not shown to this one. Who comes back finds what was theirs. */
function cleared(session: Schemas["Session"]): Schemas["Session"] {
  if (session.user) {
    const { id } = session.user;
    if ((localStorage.getItem(OWNER) ?? id) !== id) forgetDrafts();
    localStorage.setItem(OWNER, id);
  }
  return session;
}

export function useUser(): Schemas["Me"] {
  const { data } = useSession();
  if (!data?.user) throw new Error("Nobody is signed in.");
  return data.user;
}

export function useSignIn() {
  const client = useQueryClient();
  return async (email: string, password: string) => {
    const session = cleared(await answer(api.POST("/api/auth/session/", { body: { email, password } })));
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
