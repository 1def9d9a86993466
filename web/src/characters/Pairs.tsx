import { Plus, Trash2 } from "lucide-react";
import { useId, useRef } from "react";
import { Button, IconButton } from "../ui/Button";
import { useRowFocus } from "./rows";
import type { Pair } from "./toolForm";

type PairsProps = {
  label: string;
  /** What one of them is called. */
  one: string;
  hint?: string;
  pairs: Pair[];
  placeholders: [string, string];
  /** What was refused; those of this list are `attr` and `attr.<name>`. */
  wrong: Record<string, string>;
  attr: string;
  /** Values that nobody shall see over one's shoulder. */
  hidden?: boolean;
  onChange: (pairs: Pair[]) => void;
};

/** Names with their values. */
export function Pairs({ label, one, hint, pairs, placeholders, wrong, attr, hidden = false, onChange }: PairsProps) {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const focus = useRowFocus(list);
  return (
    <div role="group" aria-labelledby={id} className="field">
      <span id={id} className="field-label">
        {label}
      </span>
      {hint && <p className="field-hint">{hint}</p>}
      <ul role="list" ref={list} className="pairs">
        {pairs.map((pair, row) => {
          const error = pair.name ? wrong[`${attr}.${pair.name}`] : undefined;
          return (
            <li key={row} data-row={row} className="pair">
              <input
                className="field-control"
                data-tool="name"
                aria-label={`Name of ${one} ${row + 1}`}
                placeholder={placeholders[0]}
                spellCheck={false}
                value={pair.name}
                onChange={({ target }) => onChange(pairs.with(row, { ...pair, name: target.value }))}
              />
              <input
                className="field-control"
                type={hidden ? "password" : "text"}
                autoComplete={hidden ? "new-password" : "off"}
                aria-label={`Value of ${one} ${row + 1}`}
                aria-invalid={!!error}
                placeholder={placeholders[1]}
                spellCheck={false}
                value={pair.value}
                onChange={({ target }) => onChange(pairs.with(row, { ...pair, value: target.value }))}
              />
              <IconButton
                small
                data-tool="remove"
                label={`Remove ${one} ${row + 1}`}
                icon={<Trash2 />}
                onClick={() => {
                  focus(Math.min(row, pairs.length - 2), "remove");
                  onChange(pairs.toSpliced(row, 1));
                }}
              />
              {error && <p className="field-error">{error}</p>}
            </li>
          );
        })}
      </ul>
      {wrong[attr] && <p className="field-error">{wrong[attr]}</p>}
      <Button
        look="quiet"
        className="editor-add"
        onClick={() => {
          focus(pairs.length, "name");
          onChange([...pairs, { name: "", value: "" }]);
        }}
      >
        <Plus size={16} /> Add a {one}
      </Button>
    </div>
  );
}
