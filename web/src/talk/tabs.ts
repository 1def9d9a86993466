import { useEffect, useEffectEvent } from "react";

const channel = new BroadcastChannel("dramatis");

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
