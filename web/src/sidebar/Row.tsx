import "./Row.css";
import { Archive, Ellipsis, Pencil, Pin, PinOff, Trash2 } from "lucide-react";
import { useRef, type KeyboardEvent } from "react";
import { Link } from "wouter";
import { Avatar } from "../ui/Avatar";
import { Menu } from "../ui/Menu";
import { undoLast } from "../ui/toasts";
import { useChangeListed, useRemoveConversation } from "./conversations";
import { shortTime } from "./days";
import { previewOf, timeOf, type Conversation } from "./lists";
import { Rename } from "./Rename";
import { useAvatar } from "./useAvatar";

export type Way = "next" | "previous" | "first" | "last";

const WAYS: Record<string, Way> = { ArrowDown: "next", ArrowUp: "previous", Home: "first", End: "last" };

type RowProps = {
  conversation: Conversation;
  today: Date;
  /** On the screen just now. */
  open: boolean;
  /** The one that Tab goes to. */
  current: boolean;
  renaming: boolean;
  onFocus: (id: string) => void;
  onOpen: () => void;
  /** Goes to another row; false where there is none. */
  onMove: (from: string, way: Way) => boolean;
  onRename: (id: string | null) => void;
};

/** A conversation in the side bar. */
export function Row({ conversation, today, open, current, renaming, onFocus, onOpen, onMove, onRename }: RowProps) {
  const { id, title, character, character_name: name, pinned, archived, generating } = conversation;
  const here = useRef<HTMLDivElement>(null);
  const avatar = useAvatar(character);
  const change = useChangeListed(conversation);
  const remove = useRemoveConversation();
  const shown = title || name;
  const time = new Date(timeOf(conversation));

  function onKeyDown(event: KeyboardEvent) {
    // The menu is a child of the row, but stands elsewhere.
    if (!here.current?.contains(event.target as Node)) return;
    const way = WAYS[event.key];
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) undoLast();
    else if (event.altKey || event.ctrlKey || event.metaKey) return;
    else if (event.key === "F2") onRename(id);
    else if (event.key === "Delete") leave(() => remove(id));
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) openMenu();
    else if (event.key === "ArrowRight") menuButton()?.focus();
    else if (event.key === "ArrowLeft") here.current.querySelector("a")?.focus();
    else if (way) onMove(id, way);
    else return;
    event.preventDefault();
  }

  /** What goes from its place hands the focus to a neighbour. */
  function leave(how: () => void) {
    if (!onMove(id, "next")) onMove(id, "previous");
    how();
  }

  function menuButton() {
    return here.current?.querySelector<HTMLElement>("[aria-haspopup]");
  }

  function openMenu() {
    menuButton()?.click();
  }

  if (renaming)
    return (
      <div className="row row-renaming">
        <Avatar size="small" name={name} src={avatar} />
        <Rename
          title={title}
          placeholder={name}
          onDone={(next) => {
            onRename(null);
            if (next !== null && next !== title) change({ title: next });
          }}
        />
      </div>
    );
  return (
    // What can be pressed is in it; these keys are for both.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div ref={here} className={open ? "row row-open" : "row"} onKeyDown={onKeyDown}>
      <Link
        href={`/c/${id}`}
        className="row-link"
        data-row={id}
        tabIndex={current ? 0 : -1}
        aria-current={open ? "page" : undefined}
        onFocus={() => onFocus(id)}
        onClick={onOpen}
        onContextMenu={(event) => {
          // A finger that rests on it asks for this menu, and not for the browser's.
          event.preventDefault();
          openMenu();
        }}
      >
        <span className="row-face">
          <Avatar size="small" name={name} src={avatar} />
          {generating && <i className="row-writing" />}
        </span>
        <span className="row-texts">
          <span className="row-line">
            <span className="row-title" dir="auto">
              {shown}
            </span>
            <time className="row-time" dateTime={time.toISOString()}>
              {shortTime(time, today)}
            </time>
          </span>
          <span className="row-preview" dir="auto">
            {generating ? "is answering…" : previewOf(conversation)}
          </span>
        </span>
      </Link>
      <Menu
        small
        tabIndex={current ? 0 : -1}
        label={`More for ${shown}`}
        icon={<Ellipsis />}
        groups={[
          [
            { label: "Rename", icon: <Pencil />, onSelect: () => onRename(id) },
            {
              label: pinned ? "Unpin" : "Pin",
              icon: pinned ? <PinOff /> : <Pin />,
              onSelect: () => leave(() => change({ pinned: !pinned })),
            },
            {
              label: archived ? "Take out of the archive" : "Archive",
              icon: <Archive />,
              onSelect: () => leave(() => change({ archived: !archived })),
            },
          ],
          [{ label: "Delete", icon: <Trash2 />, danger: true, onSelect: () => leave(() => remove(id)) }],
        ]}
      />
    </div>
  );
}
