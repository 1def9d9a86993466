import { answer, api, type Schemas } from "../api/client";
import { Refusal, told } from "../api/refusal";
import { fileForm } from "./file";

export type CardFile = { id: number; file: File } & (
  | { state: "waiting" | "reading" }
  | { state: "here"; character: Schemas["ImportedCharacter"] }
  | { state: "refused"; why: string }
);

let cards: CardFile[] = [];
let last = 0;
let works = false;
const watchers = new Set<() => void>();

/** The card files that were given, and what became of them. */
export const importing = {
  all: () => cards,
  watch: (watcher: () => void) => {
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  },
};

function set(next: CardFile[]) {
  cards = next;
  for (const watcher of watchers) watcher();
}

function become(id: number, state: Partial<CardFile>) {
  set(cards.map((card) => (card.id === id ? ({ ...card, ...state } as CardFile) : card)));
}

/** Takes what has ended off the list. */
export function forgetCards() {
  set(cards.filter(({ state }) => state === "waiting" || state === "reading"));
}

/** Brings card files in, one after the other: the server reads two at once, for all. */
export function bringCards(files: Iterable<File>) {
  forgetCards();
  const added = [...files].map((file): CardFile => ({ id: (last += 1), file, state: "waiting" }));
  set([...cards, ...added]);
  if (!works) void work();
}

/** Lets one choose card files. */
export function pickCards() {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.accept = ".png,.apng,.json,.charx,.jpg,.jpeg,image/png,application/json";
  input.addEventListener("change", () => bringCards(input.files ?? []));
  input.click();
}

async function work() {
  works = true;
  for (;;) {
    const card = cards.find(({ state }) => state === "waiting");
    if (!card) break;
    become(card.id, { state: "reading" });
    try {
      become(card.id, { state: "here", character: await bring(card.file) });
    } catch (error) {
      become(card.id, { state: "refused", why: told(error) });
    }
  }
  works = false;
}

const TRIES = 5;

async function bring(file: File) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await answer(api.POST("/api/characters/import/", fileForm(file)));
    } catch (error) {
      // Others are bringing theirs just now.
      if (!(error instanceof Refusal && error.status === 429) || tries === TRIES) throw error;
      await new Promise((resolve) => window.setTimeout(resolve, 1_000 * (error.retryAfter ?? 2)));
    }
  }
}
