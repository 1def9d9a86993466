import { refusalOf, Unreachable } from "./refusal";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Fires `signed-out` when the server no longer knows us. */
export const session = new EventTarget();

function csrfToken(): string {
  return /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}

/** `fetch`, as the session cookie wants it: everything that asks the server goes through here.
 *
 * Throws `Refusal` for what is no success and `Unreachable` where there was no answer.
 */
export async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  if (!SAFE.has(request.method)) request.headers.set("X-CSRFToken", csrfToken());
  const response = await fetch(request).catch((error: unknown) => {
    // Who gave up waiting is not cut off.
    throw request.signal.aborted ? error : new Unreachable(error);
  });
  if (response.ok) return response;
  const refusal = await refusalOf(response);
  if (response.status === 401 && refusal.code !== "no_active_account") session.dispatchEvent(new Event("signed-out"));
  throw refusal;
}
