/** What was typed, kept on this device until the server has it. */

const DRAFT = "dramatis.draft.";
const SENT = "dramatis.sent.";

/** What was sent, and is not known to have arrived. */
export type Sent = { id: string; text: string };

export function draftOf(conversation: string): string {
  return localStorage.getItem(DRAFT + conversation) ?? "";
}

export function keepDraft(conversation: string, text: string) {
  keep(DRAFT + conversation, text);
}

export function sentOf(conversation: string): Sent | null {
  const kept = localStorage.getItem(SENT + conversation);
  return kept ? (JSON.parse(kept) as Sent) : null;
}

export function keepSent(conversation: string, sent: Sent | null) {
  keep(SENT + conversation, sent ? JSON.stringify(sent) : "");
}

export function forgetDrafts() {
  for (const key of Object.keys(localStorage))
    if (key.startsWith(DRAFT) || key.startsWith(SENT)) localStorage.removeItem(key);
}

function keep(key: string, text: string) {
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // The device is full: the text is on the page still.
  }
}
