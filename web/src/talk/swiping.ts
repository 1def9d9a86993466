import { useEffect, useEffectEvent, type RefObject } from "react";
import { isGreeting, type TalkMessage } from "./messages";
import type { Talk } from "./talk";
import { told } from "../api/refusal";
import { toast } from "../ui/toasts";

/** Where a message stands among its versions: from 1, of how many. */
export function placeOf({ metadata }: TalkMessage): { at: number; of: number } | null {
  return metadata && metadata.sibling_count > 1 ? { at: metadata.sibling_index + 1, of: metadata.sibling_count } : null;
}

/** Shows the version before (-1) or after (+1) this one. After the last answer there is another one to be made. */
export async function swipe(talk: Talk, message: TalkMessage, by: -1 | 1, last: boolean) {
  if (talk.busy || !message.metadata) return;
  const { siblings } = message.metadata;
  const next = siblings[siblings.indexOf(message.id) + by];
  try {
    if (next !== undefined) await talk.switchTo(next);
    else if (by > 0 && last && message.role === "assistant" && !isGreeting(message)) await talk.regenerate(message.id);
  } catch (error) {
    toast(told(error), "danger");
  }
}

const FAR_PX = 64;

/** Calls back when a finger was drawn across an element: -1 to the right, as one turns back a page. */
export function useTouchSwipe(element: RefObject<HTMLElement | null>, onSwipe: (by: -1 | 1) => void) {
  const call = useEffectEvent(onSwipe);
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    let start: Touch | undefined;
    const begin = (event: TouchEvent) => (start = event.touches.length === 1 ? event.touches[0] : undefined);
    const end = (event: TouchEvent) => {
      const touch = event.changedTouches[0];
      if (!start || !touch) return;
      const [x, y] = [touch.clientX - start.clientX, touch.clientY - start.clientY];
      if (Math.abs(x) > FAR_PX && Math.abs(x) > 2.5 * Math.abs(y)) call(x > 0 ? -1 : 1);
    };
    current.addEventListener("touchstart", begin, { passive: true });
    current.addEventListener("touchend", end, { passive: true });
    return () => {
      current.removeEventListener("touchstart", begin);
      current.removeEventListener("touchend", end);
    };
  }, [element]);
}
