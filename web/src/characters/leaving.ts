import { told } from "../api/refusal";
import { Leaving, useLeaving } from "../ui/leaving";
import { toast, undoable } from "../ui/toasts";

const leaving = new Leaving();

/** The characters, tools and texts that are being deleted. */
export function useTakenAway() {
  return useLeaving(leaving);
}

/** Takes something out of all lists at once, and deletes it when nobody took that back. */
export function takeAway(id: string, said: string, remove: (closing: boolean) => Promise<unknown>) {
  leaving.add(id);
  undoable(
    said,
    (closing) =>
      remove(closing).catch((error: unknown) => {
        leaving.delete(id);
        toast(told(error), "danger");
      }),
    () => leaving.delete(id),
  );
}
