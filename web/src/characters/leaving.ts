import { useSyncExternalStore } from "react";
import { told } from "../api/refusal";
import { toast, undoable } from "../ui/toasts";

let gone: ReadonlySet<string> = new Set();
const watchers = new Set<() => void>();

function watch(watcher: () => void) {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

function mark(id: string, leaves: boolean) {
  gone = new Set(leaves ? [...gone, id] : [...gone].filter((each) => each !== id));
  for (const watcher of watchers) watcher();
}

/** What is being deleted, by its ids: not shown, however often lists are loaded anew. */
export function useLeaving() {
  return useSyncExternalStore(watch, () => gone);
}

/** Takes something out of all lists at once, and deletes it when nobody took that back. */
export function takeAway(id: string, said: string, remove: (leaving: boolean) => Promise<unknown>) {
  mark(id, true);
  undoable(
    said,
    (leaving) =>
      void remove(leaving).catch((error: unknown) => {
        mark(id, false);
        toast(told(error), "danger");
      }),
    () => mark(id, false),
  );
}
