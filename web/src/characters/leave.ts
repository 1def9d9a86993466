import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useLocation } from "wouter";
import { toast } from "../ui/toasts";

/** Asks before one leaves what is not saved: by a link, or by closing the page. */
export function useLeaveGuard(dirty: boolean, base: string) {
  const [, navigate] = useLocation();
  const [leaving, setLeaving] = useState<string | null>(null);
  const asked = useRef(false);

  const onClick = useEffectEvent((event: MouseEvent) => {
    if (!dirty || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
    if (link.pathname === base || link.pathname.startsWith(`${base}/`) || link.hash) return;
    event.preventDefault();
    event.stopPropagation();
    setLeaving(link.pathname + link.search);
  });
  const onUnload = useEffectEvent((event: BeforeUnloadEvent) => {
    if (dirty) event.preventDefault();
  });
  const onGone = useEffectEvent(() => {
    // By the browser's own buttons, of which nobody can ask.
    if (dirty && !asked.current) toast("What you wrote is not saved yet. It is kept on this device.");
  });

  useEffect(() => {
    document.addEventListener("click", onClick, { capture: true });
    window.addEventListener("beforeunload", onUnload);
    return () => {
      document.removeEventListener("click", onClick, { capture: true });
      window.removeEventListener("beforeunload", onUnload);
      onGone();
    };
  }, []);

  return {
    leaving,
    stay: () => setLeaving(null),
    leave: () => {
      asked.current = true;
      if (leaving) navigate(leaving);
      setLeaving(null);
    },
  };
}
