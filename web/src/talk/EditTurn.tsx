import "../ui/Field.css";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Button } from "../ui/Button";
import { editOf, keepEdit } from "./drafts";

type EditTurnProps = {
  /** The message's id: what is written is kept under it. */
  id: string;
  text: string;
  label: string;
  action: string;
  onSave: (text: string) => void;
  onCancel: () => void;
};

/** The text of a turn to be changed, in its place. */
export function EditTurn({ id, text, label, action, onSave, onCancel }: EditTurnProps) {
  const [kept] = useState(() => editOf(id));
  const [now, setNow] = useState(kept || text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // It came back into sight, or with the page: then one is elsewhere.
    if (kept) return;
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, [kept, text]);

  function write(next: string) {
    setNow(next);
    keepEdit(id, next === text ? "" : next);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && now.trim()) onSave(now);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div className="turn-edit">
      <textarea
        ref={area}
        className="field-control field-area"
        aria-label={label}
        dir="auto"
        maxLength={200_000}
        value={now}
        onChange={({ target }) => write(target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="turn-edit-actions">
        <Button look="quiet" onClick={onCancel}>
          Cancel
        </Button>
        <Button look="primary" disabled={!now.trim()} onClick={() => onSave(now)}>
          {action}
        </Button>
      </div>
    </div>
  );
}
