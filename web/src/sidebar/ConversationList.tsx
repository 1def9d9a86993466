import { useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type CustomContainerComponentProps, type VirtualizerHandle } from "virtua";
import { useLocation } from "wouter";
import { EmptyState } from "../ui/EmptyState";
import { Endless } from "../ui/Endless";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { useConversations } from "./conversations";
import { dayOf, useToday } from "./days";
import { timeOf, type Conversation } from "./lists";
import { Row, type Way } from "./Row";
import type { Chosen } from "./Sidebar";

type Item = { id: string; row: Conversation | null };

/** The conversations: pinned ones first, then by days. Arrow keys go through them, F2 renames, Delete deletes. */
export function ConversationList({ character, archived, onOpen }: Chosen & { onOpen: () => void }) {
  const filter = { archived, ...(character && { character: character.id }) };
  const list = useConversations(filter);
  const pinned = useConversations({ ...filter, pinned: true });
  const today = useToday();
  const [place] = useLocation();
  const scroller = useRef<HTMLElement>(null);
  const virtual = useRef<VirtualizerHandle>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [renaming, setRenaming] = useState<string | null>(null);
  /** The row that is to have the focus as soon as it is there. */
  const wanted = useRef<string | null>(null);

  const items = useMemo(
    () => (archived ? byDay(list.data ?? [], today) : withPinned(pinned.data ?? [], list.data ?? [], today)),
    [pinned.data, list.data, archived, today],
  );
  const rows = items.filter(({ row }) => row);
  const open = place.startsWith("/c/") ? place.slice("/c/".length) : null;
  const current = [chosen, open].find((id) => rows.some((row) => row.id === id)) ?? rows[0]?.id ?? null;

  function goTo(id: string) {
    wanted.current = id;
    setChosen(id);
  }

  function move(from: string, way: Way): boolean {
    const at = rows.findIndex(({ id }) => id === from);
    const to = { next: at + 1, previous: at - 1, first: 0, last: rows.length - 1 }[way];
    const goal = rows[to];
    if (goal) goTo(goal.id);
    return goal !== undefined;
  }

  useEffect(() => {
    const id = wanted.current;
    if (id === null) return;
    const at = items.findIndex((item) => item.id === id);
    // What stands over the first row comes into sight with it.
    virtual.current?.scrollToIndex(at === 1 ? 0 : at, { align: "nearest" });
    const link = scroller.current?.querySelector<HTMLElement>(`[data-row="${id}"]`);
    if (!link) return;
    wanted.current = null;
    link.focus({ preventScroll: true });
  });

  const waiting = list.isPending || pinned.isPending;
  return (
    <nav ref={scroller} aria-label="Conversations" className="sidebar-list">
      <h2 className="visually-hidden">Conversations</h2>
      {waiting && !list.error && <Loading />}
      {list.error && !list.data && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      {!waiting && rows.length === 0 && <Nothing character={character} archived={archived} />}
      {!waiting && (
        <Virtualizer
          ref={virtual}
          scrollRef={scroller}
          data={items}
          as={List}
          item="li"
          bufferSize={400}
          keepMounted={items.flatMap(({ id }, index) => (id === current || id === renaming ? [index] : []))}
        >
          {({ id, row }) =>
            row ? (
              <Row
                key={id}
                conversation={row}
                today={today}
                open={id === open}
                current={id === current}
                renaming={id === renaming}
                onFocus={setChosen}
                onOpen={onOpen}
                onMove={move}
                onRename={(which) => {
                  setRenaming(which);
                  if (which === null) goTo(id);
                }}
              />
            ) : (
              <h3 key={id} className="sidebar-heading">
                {id}
              </h3>
            )
          }
        </Virtualizer>
      )}
      <Endless list={list} />
    </nav>
  );
}

/** A list also for Safari, which takes one without bullets for none. */
function List({ ref, style, children }: CustomContainerComponentProps) {
  return (
    <ul role="list" ref={ref} style={style}>
      {children}
    </ul>
  );
}

function Nothing({ character, archived }: Chosen) {
  const withWhom = character ? ` with ${character.name}` : "";
  if (archived)
    return (
      <EmptyState title="Nothing is archived">What you archive{withWhom} is kept here, out of the way.</EmptyState>
    );
  return <EmptyState title="No conversations yet">Begin one{withWhom}, and it stands here.</EmptyState>;
}

function withPinned(pinned: Conversation[], all: Conversation[], today: Date): Item[] {
  const above = new Set(pinned.map(({ id }) => id));
  const rest = byDay(
    all.filter((row) => !above.has(row.id)),
    today,
  );
  return pinned.length > 0
    ? [{ id: "Pinned", row: null }, ...pinned.map((row) => ({ id: row.id, row })), ...rest]
    : rest;
}

/** Rows, and over the first one of each day that day. */
function byDay(rows: Conversation[], today: Date): Item[] {
  let before = "";
  return rows.flatMap((row) => {
    const day = dayOf(new Date(timeOf(row)), today);
    const heading = day === before ? [] : [{ id: day, row: null }];
    before = day;
    return [...heading, { id: row.id, row }];
  });
}
