import { useMemo, useSyncExternalStore } from "react";

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;

const MONTH = new Intl.DateTimeFormat("en", { month: "long" });
const MONTH_OF_YEAR = new Intl.DateTimeFormat("en", { month: "long", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "short" });
const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat("en", { month: "short", year: "numeric" });

/** The day that it is, as of its first moment; another one at midnight. */
export function useToday(): Date {
  const day = useSyncExternalStore(everyMinute, () => new Date().setHours(0, 0, 0, 0));
  return useMemo(() => new Date(day), [day]);
}

function everyMinute(call: () => void) {
  const timer = window.setInterval(call, MINUTE_MS);
  return () => window.clearInterval(timer);
}

/** How many days ago; days have 23 hours at times. */
function daysAgo(time: Date, today: Date): number {
  const day = new Date(time).setHours(0, 0, 0, 0);
  return Math.round((today.getTime() - day) / DAY_MS);
}

/** What conversations of a time stand under. */
export function dayOf(time: Date, today: Date): string {
  const ago = daysAgo(time, today);
  if (ago <= 0) return "Today";
  if (ago === 1) return "Yesterday";
  if (ago <= 7) return "Last week";
  return (time.getFullYear() === today.getFullYear() ? MONTH : MONTH_OF_YEAR).format(time);
}

/** A time in few letters: of today the hour, then the day. */
export function shortTime(time: Date, today: Date): string {
  const ago = daysAgo(time, today);
  if (ago <= 0) return CLOCK.format(time);
  if (ago < 7) return WEEKDAY.format(time);
  return (time.getFullYear() === today.getFullYear() ? DAY : DAY_OF_YEAR).format(time);
}
