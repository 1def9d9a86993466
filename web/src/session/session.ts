import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import type { Schemas } from "../api/client";
import { send } from "../api/send";

/** As `/api/auth/session/` answers. */
export type Session = {
  user: Schemas["Me"] | null;
  registration: "open" | "closed";
  demo: { email: string; password: string } | null;
};

const ADDRESS = "/api/auth/session/";
const KEY = ["session"];

async function ask(init?: RequestInit): Promise<Session> {
  return (await (await send(ADDRESS, init)).json()) as Session;
}

/** Also sets the cookie without which nothing can be sent. */
export function useSession() {
  return useQuery({ queryKey: KEY, queryFn: () => ask(), staleTime: Infinity, refetchOnWindowFocus: "always" });
}

export function useUser(): Schemas["Me"] {
  const { data } = useSession();
  if (!data?.user) throw new Error("Nobody is signed in.");
  return data.user;
}

export function useSignIn() {
  const client = useQueryClient();
  return async (email: string, password: string) => {
    const body = JSON.stringify({ email, password });
    const session = await ask({ method: "POST", body, headers: { "Content-Type": "application/json" } });
    // What another person saw is not shown to this one.
    client.clear();
    client.setQueryData(KEY, session);
  };
}

export function useSignOut() {
  const client = useQueryClient();
  return async () => {
    await send(ADDRESS, { method: "DELETE" });
    await forget(client);
  };
}

/** Asks anew who we are, and drops all that was loaded. */
export async function forget(client: QueryClient) {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
  await client.invalidateQueries({ queryKey: KEY });
}
