import { useSyncExternalStore } from "react";

/** The ids of what is being deleted, as long as that can be undone: not shown, however often lists are loaded anew. */
export class Leaving {
  #ids: ReadonlySet<string> = new Set();
  readonly #watchers = new Set<() => void>();

  readonly all = () => this.#ids;

  readonly watch = (watcher: () => void) => {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  };

  add(id: string) {
    this.#set(new Set([...this.#ids, id]));
  }

  /** It stays after all. */
  delete(id: string) {
    this.#set(new Set([...this.#ids].filter((each) => each !== id)));
  }

  #set(ids: ReadonlySet<string>) {
    this.#ids = ids;
    for (const watcher of this.#watchers) watcher();
  }
}

export function useLeaving(leaving: Leaving): ReadonlySet<string> {
  return useSyncExternalStore(leaving.watch, leaving.all);
}
