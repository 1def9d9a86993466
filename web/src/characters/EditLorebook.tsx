import "./Lorebook.css";
import { BookOpen, Plus } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { TextField } from "../ui/Field";
import { toast, undoable } from "../ui/toasts";
import { freshEntry, isObject, rowsOf, textOf, textsOf, titleOf, withRows, type Entry } from "./book";
import { EditBook } from "./EditBook";
import { useEditing } from "./editing";
import { EntryRow } from "./EntryRow";
import { ImportBook } from "./ImportBook";
import { moved, useRowFocus } from "./rows";

/** From so many on, one looks for an entry rather than scrolls. */
const MANY = 8;
/** So many are shown at first: a book may have thousands. */
const SHOWN = 100;

/** What somebody knows and is told only when it comes up. */
export default function EditLorebook() {
  const { card, set, wrong } = useEditing();
  const [open, setOpen] = useState<number | null>(null);
  const [find, setFind] = useState("");
  const [most, setMost] = useState(SHOWN);
  const list = useRef<HTMLUListElement>(null);
  const focus = useRowFocus(list);
  const rows = rowsOf(card.lorebook);
  const words = find.trim().toLowerCase();
  const found = rows.flatMap((row, place) => (isObject(row) && isFound(row, place, words) ? [{ row, place }] : []));

  const change = (rows: Parameters<typeof withRows>[1]) => set((now) => ({ lorebook: withRows(now.lorebook, rows) }));

  function add() {
    setFind("");
    setMost(Math.max(most, rows.length + 1));
    setOpen(rows.length);
    focus(rows.length, "name");
    change([...rows, freshEntry(rows)]);
  }

  function move(from: number, to: number) {
    focus(to, to > from ? "down" : "up");
    if (open === from) setOpen(to);
    else if (open === to) setOpen(from);
    change(moved(rows, from, to));
  }

  function remove(place: number) {
    const gone = rows[place];
    if (gone === undefined) return;
    if (open === place) setOpen(null);
    else if (open !== null && open > place) setOpen(open - 1);
    focus(Math.min(place, rows.length - 2), "remove");
    change(rows.toSpliced(place, 1));
    undoable(
      "The entry is taken out.",
      () => undefined,
      () => set((now) => ({ lorebook: withRows(now.lorebook, rowsOf(now.lorebook).toSpliced(place, 0, gone)) })),
    );
  }

  function copy(entry: Entry, place: number) {
    const { id } = freshEntry(rows);
    setOpen(place + 1);
    focus(place + 1, "name");
    change(rows.toSpliced(place + 1, 0, { ...structuredClone(entry), ...(id !== undefined && { id }) }));
    toast("The copy is below.");
  }

  return (
    <>
      <p className="editor-about">
        Each entry is told to the model only when one of its keys comes up in the talk: places, people, rules, secrets.
      </p>
      {wrong["lorebook"] && (
        <p role="alert" className="field-error">
          {wrong["lorebook"]}
        </p>
      )}
      <div className="editor-row">
        <Button onClick={add}>
          <Plus size={18} /> Entry
        </Button>
        <ImportBook />
      </div>
      {rows.length === 0 && (
        <EmptyState icon={<BookOpen />} title="No lore yet">
          Write a first entry, or bring in a world-info file of SillyTavern and others.
        </EmptyState>
      )}
      {rows.length > MANY && (
        <TextField
          label="Find an entry"
          type="search"
          hint={words ? `${found.length} of ${rows.length}` : `${rows.length} entries`}
          value={find}
          onChange={({ target }) => setFind(target.value)}
        />
      )}
      <ul role="list" ref={list} className="entries" aria-label="Entries">
        {found.slice(0, most).map(({ row, place }) => (
          <EntryRow
            key={place}
            entry={row}
            place={place}
            places={rows.length}
            open={open === place}
            movable={!words}
            onOpen={() => setOpen(open === place ? null : place)}
            onChange={(entry) => change(rows.with(place, entry))}
            onMove={(to) => move(place, to)}
            onCopy={() => copy(row, place)}
            onRemove={() => remove(place)}
          />
        ))}
      </ul>
      {found.length > most && (
        <Button onClick={() => setMost(most + SHOWN)}>Show more ({found.length - most} are left)</Button>
      )}
      {rows.length > 0 && <EditBook />}
    </>
  );
}

function isFound(entry: Entry, place: number, words: string): boolean {
  if (!words) return true;
  return [titleOf(entry, place), ...textsOf(entry, "keys"), textOf(entry, "content")].some((text) =>
    text.toLowerCase().includes(words),
  );
}
