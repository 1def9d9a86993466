import "./Popover.css";
import { lazy, useRef, useState, type ReactNode } from "react";
import { Fetched } from "./Fetched";

const fetchPopup = () => import("./PopoverPopup");
const PopoverPopup = lazy(fetchPopup);

type PopoverProps = { label: ReactNode; title: string; children: ReactNode };

/** A small button that shows more beside it. */
export function Popover({ label, title, children }: PopoverProps) {
  const [state, setState] = useState<"unused" | "open" | "closed">("unused");
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="chip"
        aria-haspopup="dialog"
        aria-expanded={state === "open"}
        onPointerEnter={() => void fetchPopup()}
        onFocus={() => void fetchPopup()}
        onClick={() => setState(state === "open" ? "closed" : "open")}
      >
        {label}
      </button>
      {state !== "unused" && (
        <Fetched place={state} onLost={() => setState("unused")}>
          <PopoverPopup title={title} anchor={button} open={state === "open"} onClose={() => setState("closed")}>
            {children}
          </PopoverPopup>
        </Fetched>
      )}
    </>
  );
}
