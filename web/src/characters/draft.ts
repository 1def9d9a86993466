import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { FIELDS, type Card, type Changes } from "./card";

// Signing out forgets all drafts, by the beginning of their names.
const DRAFT = "dramatis.draft.character.";
const PAUSE_MS = 300;

export type Patch = Changes | ((now: Card) => Changes);

/** What is being written of a character: kept on this device until it is saved, or thrown away. */
export function useDraft(id: string, saved: Card) {
  const [written, setChanges] = useState<Changes>(() => unlike(saved, keptDraft(id)));
  // What is saved may change meanwhile, on another device for instance.
  const changes = useMemo(() => unlike(saved, written), [saved, written]);
  const [restored, setRestored] = useState(() => Object.keys(changes).length > 0);
  const [kept, setKept] = useState(true);
  const card: Card = { ...saved, ...changes };
  const dirty = Object.keys(changes).length > 0;
  // What is to be written down, in case one leaves before it is.
  const unwritten = useRef<Changes | null>(null);

  useEffect(() => {
    unwritten.current = changes;
    const write = () => {
      if (unwritten.current) setKept(keepDraft(id, unwritten.current));
      unwritten.current = null;
    };
    const timer = window.setTimeout(write, PAUSE_MS);
    window.addEventListener("pagehide", write);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("pagehide", write);
    };
  }, [id, changes]);
  useEffect(
    () => () => {
      if (unwritten.current) keepDraft(id, unwritten.current);
    },
    [id],
  );

  // Whoever takes something back may do so when it has long been saved.
  const latest = useRef(saved);
  useLayoutEffect(() => {
    latest.current = saved;
  }, [saved]);
  const set = useCallback(
    (patch: Patch) =>
      setChanges((now) => {
        const next = typeof patch === "function" ? patch({ ...latest.current, ...now }) : patch;
        return unlike(latest.current, { ...now, ...next });
      }),
    [],
  );

  /** Forgets what was saved or is not wanted; what was written in the meantime stays. */
  const drop = useCallback((gone: Changes) => {
    // At once: one may leave the page in the same breath, and then nothing may seem unsaved.
    flushSync(() => {
      setRestored(false);
      setChanges((now) => Object.fromEntries(entriesOf(now).filter(([name, value]) => gone[name] !== value)));
    });
  }, []);

  return { card, changes, dirty, restored: restored && dirty, kept, set, drop };
}

export function keepDraft(id: string, changes: Changes): boolean {
  const { picture, ...words } = changes;
  try {
    if (Object.keys(changes).length === 0) localStorage.removeItem(DRAFT + id);
    else localStorage.setItem(DRAFT + id, JSON.stringify(changes));
    return true;
  } catch {
    // The device has no room: what was written goes before the picture.
    if (picture !== undefined) keepDraft(id, words);
    return false;
  }
}

function keptDraft(id: string): Changes {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(DRAFT + id) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    const names: string[] = [...FIELDS, "picture"];
    return Object.fromEntries(Object.entries(kept).filter(([name]) => names.includes(name)));
  } catch {
    return {};
  }
}

function entriesOf(changes: Changes) {
  return Object.entries(changes) as [keyof Changes, Changes[keyof Changes]][];
}

/** What of it is not as it is saved. */
function unlike(saved: Card, changes: Changes): Changes {
  const different = entriesOf(changes).filter(
    ([name, value]) => value !== undefined && (name === "picture" || !same(value, saved[name])),
  );
  return Object.fromEntries(different);
}

/** What was not touched is the same object still, so that even a long lorebook is compared in no time. */
function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [mine, theirs] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    mine.length === theirs.size && mine.every(([name, value]) => theirs.has(name) && same(value, theirs.get(name)))
  );
}
