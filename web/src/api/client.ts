import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { send } from "./send";

export type Schemas = components["schemas"];

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: send });

/** What a call answers. `send` throws whatever is not a success, so there is an answer. */
export async function answer<Data>(call: Promise<{ data?: Data }>): Promise<Data> {
  return (await call).data as Data;
}

/** The cursor in the address of another page. */
export function cursorIn(address: string | null): string | null {
  return address ? new URL(address, window.location.origin).searchParams.get("cursor") : null;
}
