import "./Shell.css";
import { Menu as MenuIcon } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useLocation } from "wouter";
import { DropCards } from "../characters/DropCards";
import { Sidebar } from "../sidebar/Sidebar";
import { IconButton } from "../ui/Button";
import { DrawerContext } from "./drawer";

const PHONE = window.matchMedia("(max-width: 52rem)");

/** The side bar and the screen beside it; on a phone the bar is a drawer over the screen. */
export function Shell({ children }: { children: ReactNode }) {
  const [phone, setPhone] = useState(PHONE.matches);
  const [place] = useLocation();
  // Where it was opened: where one went is what one wants to see.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const open = openAt === place;
  const bar = useRef<HTMLElement>(null);
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    const look = () => setPhone(PHONE.matches);
    PHONE.addEventListener("change", look);
    return () => PHONE.removeEventListener("change", look);
  }, []);

  const drawer = phone && open;
  useEffect(() => {
    if (!drawer) return;
    const before = document.activeElement;
    bar.current?.querySelector<HTMLElement>("a, button")?.focus();
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && setOpenAt(null);
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      if (before instanceof HTMLElement) before.focus();
    };
  }, [drawer]);

  return (
    <DrawerContext value={phone ? () => setOpenAt(place) : null}>
      <a className="skip" href="#main" onClick={() => main.current?.focus()}>
        Skip to the content
      </a>
      <div className="shell" data-drawer={drawer}>
        <header ref={bar} className="shell-bar" inert={phone && !open}>
          <Sidebar onDone={() => setOpenAt(null)} />
        </header>
        {drawer && <div className="shell-shade" aria-hidden="true" onClick={() => setOpenAt(null)} />}
        <main id="main" ref={main} className="shell-main" tabIndex={-1} inert={drawer}>
          {children}
        </main>
      </div>
      <DropCards />
    </DrawerContext>
  );
}

/** Opens the drawer, where there is one. */
export function DrawerButton({ open }: { open: (() => void) | null }) {
  return open && <IconButton label="Open the side bar" icon={<MenuIcon />} onClick={open} />;
}
