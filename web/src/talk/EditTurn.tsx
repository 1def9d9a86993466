import "../ui/Field.css";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Button } from "../ui/Button";

type EditTurnProps = {
  text: string;
  label: string;
  action: string;
  onSave: (text: string) => void;
  onCancel: () => void;
};

/** The text of a turn to be changed, in its place. */
export function EditTurn({ text, label, action, onSave, onCancel }: EditTurnProps) {
  const [now, setNow] = useState(text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, [text]);

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
        onChange={({ target }) => setNow(target.value)}
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
