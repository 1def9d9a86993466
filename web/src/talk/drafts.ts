/** What was typed, kept on this device until the server has it. */

const DRAFT = "dramatis.draft.";
const SENT = "dramatis.sent.";

export type Scene = { persona_name: string; persona_description: string; topic: string };

/** What was sent, and is not known to have arrived. */
export type Sent = { id: string; text: string };

export function draftOf(conversation: string): string {
  return localStorage.getItem(DRAFT + conversation) ?? "";
}

export function keepDraft(conversation: string, text: string) {
  keep(localStorage, DRAFT + conversation, text);
}

/** Of a message that is being edited. */
export function editOf(message: string): string {
  return draftOf(`edit.${message}`);
}

export function keepEdit(message: string, text: string) {
  keepDraft(`edit.${message}`, text);
}

/** Of who one is in a conversation and what it is about, as far as it is not saved. */
export function sceneOf(conversation: string): Partial<Scene> {
  const kept = draftOf(`scene.${conversation}`);
  return kept ? (JSON.parse(kept) as Partial<Scene>) : {};
}

export function keepScene(conversation: string, scene: Partial<Scene>) {
  keepDraft(`scene.${conversation}`, Object.keys(scene).length > 0 ? JSON.stringify(scene) : "");
}

export function sentOf(conversation: string): Sent | null {
  const kept = sessionStorage.getItem(SENT + conversation);
  return kept ? (JSON.parse(kept) as Sent) : null;
}

export function keepSent(conversation: string, sent: Sent | null) {
  // The tab's own, also after a reload: another one must not send it once more.
  keep(sessionStorage, SENT + conversation, sent ? JSON.stringify(sent) : "");
}

export function forgetDrafts() {
  for (const store of [localStorage, sessionStorage])
    for (const key of Object.keys(store)) if (key.startsWith(DRAFT) || key.startsWith(SENT)) store.removeItem(key);
}

function keep(store: Storage, key: string, text: string) {
  try {
    if (text) store.setItem(key, text);
    else store.removeItem(key);
  } catch {
    // The device is full: the text is on the page still.
  }
}
