import "./Toasts.css";
import { X } from "lucide-react";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { Button, IconButton } from "./Button";
import { dismiss, store, type Toast } from "./toasts";

const SHOWN_MS = 6_000;
const HELD_MS = 1_500;

/** Where toasts appear. One of it is on every page. */
export function Toasts() {
  const toasts = useSyncExternalStore(store.watch, store.all);
  return (
    <section className="toasts" aria-label="Notices" aria-live="polite">
      {toasts.map((toast) => (
        <Shown key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function Shown({ toast }: { toast: Toast }) {
  const here = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let timer = window.setTimeout(leave, SHOWN_MS);
    function leave() {
      // It stays under a pointer, and with the keyboard in it.
      if (here.current?.matches(":hover, :focus-within")) timer = window.setTimeout(leave, HELD_MS);
      else dismiss(toast.id);
    }
    return () => window.clearTimeout(timer);
  }, [toast.id]);
  return (
    <div ref={here} className={`toast toast-${toast.tone}`}>
      <p>{toast.text}</p>
      {toast.undo && (
        <Button look="quiet" onClick={toast.undo}>
          Undo
        </Button>
      )}
      <IconButton small label="Dismiss" icon={<X />} onClick={() => dismiss(toast.id)} />
    </div>
  );
}
