import { useEffect, useEffectEvent } from "react";
import { useLocation } from "wouter";

/** The name of the field that one searches with; there is one at most. */
export const FIELD = "search-field";

/** `/` or Ctrl K, wherever one is: to the search. */
export function useSearchKey() {
  const [, navigate] = useLocation();
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const chord = event.ctrlKey || event.metaKey;
    if (!(chord ? event.key.toLowerCase() === "k" : event.key === "/" && !isWriting(event.target))) return;
    // A dialog is to be answered first.
    if (document.querySelector("[role=dialog], [role=menu]")) return;
    event.preventDefault();
    const field = document.getElementById(FIELD);
    if (field instanceof HTMLInputElement) {
      field.focus();
      field.select();
    } else navigate("/search");
  });
  useEffect(() => {
    const hear = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, []);
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
