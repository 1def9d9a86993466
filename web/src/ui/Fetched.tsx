import { Suspense, type ReactNode } from "react";
import { Boundary } from "./Boundary";
import { toast } from "./toasts";

type FetchedProps = {
  /** What is open: another is a new beginning. */
  place: string;
  /** Closes it. */
  onLost: () => void;
  children: ReactNode;
};

/** What is fetched when it is opened, a menu or a dialog. Where it does not come, that is said, and all else stays. */
export function Fetched({ place, onLost, children }: FetchedProps) {
  function close() {
    toast("This did not load. With a connection, load the page again.", "danger");
    onLost();
  }
  return (
    <Boundary place={place} onLost={close}>
      <Suspense>{children}</Suspense>
    </Boundary>
  );
}
