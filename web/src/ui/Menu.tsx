import { lazy, useRef, useState, type ReactNode } from "react";
import { Fetched } from "./Fetched";
import { IconButton } from "./Button";

// What places a menu is heavier than all our buttons together: it is fetched when somebody comes near one.
const fetchPopup = () => import("./MenuPopup");
const MenuPopup = lazy(fetchPopup);

export type MenuItem = {
  label: string;
  icon?: ReactNode;
  danger?: boolean;
  /** Shows a tick, and is announced as such. */
  checked?: boolean;
} & ({ onSelect: () => void } | { href: string; download?: boolean });

type MenuProps = { label: string; icon: ReactNode; small?: boolean; tabIndex?: number; groups: MenuItem[][] };

/** A button that opens a menu; groups are parted by a line. */
export function Menu({ label, icon, small = false, tabIndex = 0, groups }: MenuProps) {
  const [state, setState] = useState<"unused" | "open" | "closed">("unused");
  const [within, setWithin] = useState<HTMLElement | null>(null);
  const button = useRef<HTMLButtonElement>(null);

  function open() {
    setWithin(button.current?.closest<HTMLElement>("main, .shell-bar") ?? null);
    setState("open");
  }

  return (
    <>
      <IconButton
        ref={button}
        label={label}
        icon={icon}
        small={small}
        tabIndex={tabIndex}
        aria-haspopup="menu"
        aria-expanded={state === "open"}
        onPointerEnter={() => void fetchPopup()}
        onFocus={() => void fetchPopup()}
        onClick={open}
      />
      {state !== "unused" && (
        <Fetched place={state} onLost={() => setState("unused")}>
          <MenuPopup
            label={label}
            groups={groups}
            within={within}
            anchor={button}
            open={state === "open"}
            onClose={() => setState("closed")}
          />
        </Fetched>
      )}
    </>
  );
}
