import { ChevronRight, Copy } from "lucide-react";
import { useId } from "react";
import { IconButton } from "../ui/Button";
import { flagOf, textsOf, titleOf, type Entry } from "./book";
import { EditEntry } from "./EditEntry";
import { called } from "./names";
import { RowTools } from "./RowTools";

type EntryRowProps = {
  entry: Entry;
  place: number;
  places: number;
  open: boolean;
  /** Among those that were looked for, up and down would say nothing. */
  movable: boolean;
  onOpen: () => void;
  onChange: (entry: Entry) => void;
  onMove: (to: number) => void;
  onCopy: () => void;
  onRemove: () => void;
};

/** An entry of the lorebook: its name and keys, and all of it when it is opened. */
export function EntryRow({ entry, place, places, open, movable, ...on }: EntryRowProps) {
  const id = useId();
  const title = titleOf(entry, place).slice(0, 200);
  const name = called(title);
  const enabled = flagOf(entry["enabled"], true);
  const keys = textsOf(entry, "keys").slice(0, 20).join(", ").slice(0, 300);
  return (
    <li data-row={place} className="entry" data-off={!enabled}>
      <div className="entry-head">
        <input
          type="checkbox"
          role="switch"
          className="switch"
          aria-label={`${name} is on`}
          checked={enabled}
          aria-checked={enabled}
          onChange={({ target }) => on.onChange({ ...entry, enabled: target.checked })}
        />
        <button type="button" className="entry-open" aria-expanded={open} aria-controls={id} onClick={on.onOpen}>
          <ChevronRight size={18} />
          <span className="entry-words">
            <strong dir="auto">{title}</strong>
            <span dir="auto">{flagOf(entry["constant"], false) ? "Always told" : keys || "No keys yet"}</span>
          </span>
        </button>
        <span className="editor-tools">
          <IconButton small data-tool="copy" label={`Copy ${name}`} icon={<Copy />} onClick={on.onCopy} />
          <RowTools
            name={name}
            row={movable ? place : 0}
            rows={movable ? places : 1}
            onMove={on.onMove}
            onRemove={on.onRemove}
          />
        </span>
      </div>
      <div id={id} className="entry-inside" hidden={!open}>
        {open && <EditEntry entry={entry} onChange={on.onChange} />}
      </div>
    </li>
  );
}
