import { Plus } from "lucide-react";
import { useRef } from "react";
import { Button } from "../ui/Button";
import { CardText } from "./CardFields";
import { useEditing } from "./editing";
import { moved, useRowFocus } from "./rows";
import { RowTools } from "./RowTools";

const MOST = 100;

/** What somebody says first, and other ways to begin. */
export function EditGreetings() {
  const { card, set, wrong } = useEditing();
  const { alternate_greetings: greetings } = card;
  const list = useRef<HTMLUListElement>(null);
  const focus = useRowFocus(list);
  const change = (alternate_greetings: string[]) => set({ alternate_greetings });

  return (
    <>
      <CardText
        name="first_message"
        label="Greeting"
        hint="What they say first. Left blank, it is you who begins."
        placeholder="*The door opens before you can knock.* You are late, {{user}}. Come in."
      />
      <div className="editor-list">
        {greetings.length > 0 && (
          <ul role="list" ref={list} aria-label="Other greetings" className="editor-list">
            {greetings.map((greeting, row) => (
              <li key={row} data-row={row} className="field">
                <div className="editor-row">
                  <label htmlFor={`greeting-${row}`} className="field-label">
                    Another greeting ({row + 1})
                  </label>
                  <span className="editor-tools">
                    <RowTools
                      name={`greeting ${row + 1}`}
                      row={row}
                      rows={greetings.length}
                      onMove={(to) => {
                        focus(to, to > row ? "down" : "up");
                        change(moved(greetings, row, to));
                      }}
                      onRemove={() => {
                        focus(Math.min(row, greetings.length - 2), "remove");
                        change(greetings.toSpliced(row, 1));
                      }}
                    />
                  </span>
                </div>
                <textarea
                  id={`greeting-${row}`}
                  className="field-control field-area"
                  data-tool="text"
                  dir="auto"
                  value={greeting}
                  aria-invalid={!!wrong[`alternate_greetings.${row}`]}
                  aria-describedby={`greeting-${row}-told`}
                  onChange={({ target }) => change(greetings.with(row, target.value))}
                />
                <p id={`greeting-${row}-told`} className="field-error">
                  {wrong[`alternate_greetings.${row}`]}
                </p>
              </li>
            ))}
          </ul>
        )}
        {wrong["alternate_greetings"] && <p className="field-error">{wrong["alternate_greetings"]}</p>}
        {greetings.length < MOST && (
          <Button
            className="editor-add"
            onClick={() => {
              focus(greetings.length, "text");
              change([...greetings, ""]);
            }}
          >
            <Plus size={18} /> Another greeting
          </Button>
        )}
      </div>
    </>
  );
}
