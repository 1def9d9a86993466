export type Toast = { id: number; text: string; tone: "plain" | "danger"; undo?: () => void };

/** What it gives, if it takes its time, is waited for. */
type Act = (leaving: boolean) => unknown;

let toasts: Toast[] = [];
let last = 0;
const watchers = new Set<() => void>();
/** What is to be done when a toast has gone, by its id. */
const ends = new Map<number, Act>();

function show(toast: Omit<Toast, "id">): number {
  last += 1;
  set([...toasts, { id: last, ...toast }]);
  return last;
}

function set(next: Toast[]) {
  toasts = next;
  for (const watcher of watchers) watcher();
}

/** What `Toasts` shows. */
export const store = {
  all: () => toasts,
  watch: (watcher: () => void) => {
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  },
};

export function toast(text: string, tone: Toast["tone"] = "plain") {
  show({ text, tone });
}

/** Takes a toast away, and has done what it waited with. */
export function dismiss(id: number, leaving = false) {
  void end(id, leaving);
}

/** Has all that waits done now, and waits for it. */
export async function settleAll() {
  await Promise.allSettled([...ends.keys()].map(async (id) => await end(id, false)));
}

function end(id: number, leaving: boolean): unknown {
  const act = ends.get(id);
  ends.delete(id);
  set(toasts.filter((toast) => toast.id !== id));
  return act?.(leaving);
}

/** Says that something is gone, and does it in earnest only when the time to undo it is over.
 *
 * What comes back ends that time at once. `act` gets true where the page is being left: then only a request with `keepalive` gets through.
 */
export function undoable(text: string, act: Act, undo: () => void): () => void {
  const id = show({
    text,
    tone: "plain",
    undo: () => {
      ends.delete(id);
      dismiss(id);
      undo();
    },
  });
  ends.set(id, act);
  return () => {
    if (ends.has(id)) dismiss(id);
  };
}

/** Takes back what was done last, as long as its toast is there. */
export function undoLast() {
  toasts.findLast(({ undo }) => undo)?.undo?.();
}

window.addEventListener("pagehide", () => {
  for (const id of [...ends.keys()]) dismiss(id, true);
});
