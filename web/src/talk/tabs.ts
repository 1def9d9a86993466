import { useEffect, useEffectEvent } from "react";

const channel = new BroadcastChannel("dramatis");

/** Hears this tab, too. */
const ears = new BroadcastChannel("dramatis");

/** Tells other tabs that something happened in a conversation. */
export function tellTabs(conversation: string) {
  channel.postMessage(conversation);
}

/** Calls back when another tab did something in it. */
export function useOtherTabs(conversation: string, onChange: () => void) {
  const call = useEffectEvent(onChange);
  useEffect(() => {
    const hear = ({ data }: MessageEvent<unknown>) => data === conversation && call();
    channel.addEventListener("message", hear);
    return () => channel.removeEventListener("message", hear);
  }, [conversation]);
}

/** Calls back when any tab, this one too, did something in a conversation. */
export function useAllTabs(onChange: () => void) {
  const call = useEffectEvent(onChange);
  useEffect(() => {
    const hear = () => call();
    ears.addEventListener("message", hear);
    return () => ears.removeEventListener("message", hear);
  }, []);
}
