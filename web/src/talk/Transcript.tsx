import "./Transcript.css";
import { ArrowDown } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore, type KeyboardEvent } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { told } from "../api/refusal";
import { IconButton } from "../ui/Button";
import { toast } from "../ui/toasts";
import { keysOf, type TalkMessage } from "./messages";
import { Stick } from "./stick";
import { swipe } from "./swiping";
import type { Talk } from "./talk";
import { Turn, Waiting } from "./Turn";

const NEAR_TOP_PX = 800;

type TranscriptProps = {
  talk: Talk;
  messages: TalkMessage[];
  name: string;
  avatar: string | null;
  busy: boolean;
  answers: boolean;
  hasOlder: boolean;
  /** A message to go to. */
  goal: string | null;
  /** A message that was chosen to be said differently. */
  editing: { id: string } | null;
  onHelp: () => void;
};

type Item = { key: string; message: TalkMessage | null };

/** What was said. Only what is near the window is in the page, however long it is. */
export function Transcript(props: TranscriptProps) {
  const { talk, messages, name, avatar, busy, answers, hasOlder, goal, editing, onHelp } = props;
  const scroller = useRef<HTMLElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [stick] = useState(() => new Stick());
  const atEnd = useSyncExternalStore(stick.watch, stick.atEnd);

  const items = itemsOf(messages, busy);
  const first = items[0]?.key;
  // Where something was put in before, what is seen stays where it is.
  const [before, setBefore] = useState({ messages, first, shift: false });
  if (before.messages !== messages)
    setBefore({ messages, first, shift: first !== before.first && items.some(({ key }) => key === before.first) });

  useLayoutEffect(() => {
    if (!scroller.current || !inside.current) return;
    const detach = stick.attach(scroller.current, inside.current);
    stick.toEnd();
    return detach;
  }, [stick]);

  // Who says something wants to see it.
  const lastOurs = messages.findLast(({ role }) => role === "user" && busy)?.id;
  useLayoutEffect(() => {
    if (lastOurs !== undefined) stick.toEnd();
  }, [stick, lastOurs]);

  const at = goal === null ? -1 : items.findIndex(({ message }) => message?.id === goal);
  useEffect(() => {
    if (at < 0) return;
    stick.letGo();
    list.current?.scrollToIndex(at, { align: "center" });
  }, [stick, at]);

  function onScroll() {
    if (hasOlder && (scroller.current?.scrollTop ?? Infinity) < NEAR_TOP_PX)
      talk.loadOlder().catch((error: unknown) => toast(told(error), "danger"));
  }

  // Only while this has the focus: elsewhere these keys are letters.
  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = messages.at(-1);
    if (event.key === "?") onHelp();
    else if (event.key === "ArrowLeft" && last) void swipe(talk, last, -1, answers);
    else if (event.key === "ArrowRight" && last) void swipe(talk, last, 1, answers);
    else if (event.key === "r" && last && answers && !busy && last.metadata?.parent) void talk.regenerate(last.id);
    else if (event.key === "g" && last?.role === "assistant" && answers && !busy) void talk.goOn();
    else if (event.key === "End") stick.toEnd();
    else return;
    event.preventDefault();
  }

  return (
    <div className="transcript">
      {/* It is scrolled by keyboard, and has keys of its own. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <section
        ref={scroller}
        className="transcript-scroll"
        aria-label={`What you and ${name} said`}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
      >
        <div ref={inside} className="transcript-inside">
          <Virtualizer ref={list} scrollRef={scroller} data={items} shift={before.shift} bufferSize={600}>
            {({ key, message }, index) =>
              message ? (
                <Turn
                  key={key}
                  {...{ talk, message, name, avatar, answers }}
                  idle={!busy}
                  last={index === items.length - 1}
                  found={message.id === goal}
                  chosen={editing?.id === message.id ? editing : null}
                />
              ) : (
                <Waiting key={key} name={name} avatar={avatar} />
              )
            }
          </Virtualizer>
        </div>
      </section>
      {!atEnd && (
        <IconButton className="transcript-newest" label="To the newest" icon={<ArrowDown />} onClick={stick.toEnd} />
      )}
    </div>
  );
}

/** The messages, and the place of an answer that has not begun. */
function itemsOf(messages: TalkMessage[], busy: boolean): Item[] {
  const keys = keysOf(messages);
  const items: Item[] = messages.map((message, index) => ({ key: keys[index] ?? message.id, message }));
  const last = messages.at(-1);
  if (busy && last?.role === "user") items.push({ key: `after ${last.metadata?.sent_as ?? last.id}`, message: null });
  return items;
}
