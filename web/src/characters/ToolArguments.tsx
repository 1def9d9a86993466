import { Plus, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { Button, IconButton } from "../ui/Button";
import { TextArea } from "../ui/Field";
import { useRowFocus } from "./rows";
import { simpleArguments, schemaOf, TYPES, type Argument } from "./arguments";

type ToolArgumentsProps = { parameters: string; wrong: string | undefined; onChange: (parameters: string) => void };

/** What the model has to say to a tool: in rows where that is enough, else as JSON Schema. */
export function ToolArguments({ parameters, wrong, onChange }: ToolArgumentsProps) {
  const [written, setWritten] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const focus = useRowFocus(list);
  // A name that is being written may be blank, or another's: in a schema the two would be one.
  const [known, setKnown] = useState(() => ({ parameters, rows: simpleArguments(parameters) }));
  const now = known.parameters === parameters ? known : { parameters, rows: simpleArguments(parameters) };
  if (now !== known) setKnown(now);
  const { rows } = now;

  function change(rows: Argument[]) {
    const parameters = schemaOf(rows.filter(({ name }) => name.trim()));
    setKnown({ parameters, rows });
    onChange(parameters);
  }

  if (written || !rows)
    return (
      <div className="field">
        <TextArea
          label="Arguments, as JSON Schema"
          className="field-control field-area code"
          dir="ltr"
          spellCheck={false}
          value={parameters}
          error={wrong}
          onChange={({ target }) => onChange(target.value)}
        />
        {rows && (
          <Button look="quiet" className="editor-add" onClick={() => setWritten(false)}>
            In rows
          </Button>
        )}
      </div>
    );
  return (
    <fieldset className="tool-part">
      <legend className="field-label">Arguments</legend>
      <p className="field-hint">What the model has to say when it calls the tool.</p>
      <ul role="list" ref={list} className="pairs">
        {rows.map((row, place) => (
          <li key={place} data-row={place} className="argument">
            <input
              className="field-control"
              data-tool="name"
              aria-label={`Name of argument ${place + 1}`}
              placeholder="q"
              spellCheck={false}
              value={row.name}
              onChange={({ target }) => change(rows.with(place, { ...row, name: target.value }))}
            />
            <select
              className="field-control"
              aria-label={`Type of argument ${place + 1}`}
              value={row.type}
              onChange={({ target }) => change(rows.with(place, { ...row, type: target.value as Argument["type"] }))}
            >
              {TYPES.map(([type, label]) => (
                <option key={type} value={type}>
                  {label}
                </option>
              ))}
            </select>
            <label className="argument-needed">
              <input
                type="checkbox"
                checked={row.needed}
                onChange={({ target }) => change(rows.with(place, { ...row, needed: target.checked }))}
              />
              Needed
            </label>
            <IconButton
              small
              data-tool="remove"
              label={`Remove argument ${place + 1}`}
              icon={<Trash2 />}
              onClick={() => {
                focus(Math.min(place, rows.length - 2), "remove");
                change(rows.toSpliced(place, 1));
              }}
            />
            <input
              className="field-control argument-about"
              aria-label={`What argument ${place + 1} is`}
              placeholder="What it is, for the model"
              dir="auto"
              value={row.description}
              onChange={({ target }) => change(rows.with(place, { ...row, description: target.value }))}
            />
          </li>
        ))}
      </ul>
      {wrong && <p className="field-error">{wrong}</p>}
      <div className="editor-row">
        <Button
          look="quiet"
          onClick={() => {
            focus(rows.length, "name");
            change([...rows, { name: freeName(rows), type: "string", description: "", needed: true }]);
          }}
        >
          <Plus size={16} /> Add an argument
        </Button>
        <Button look="quiet" onClick={() => setWritten(true)}>
          As JSON Schema
        </Button>
      </div>
    </fieldset>
  );
}

function freeName(rows: Argument[]): string {
  let count = rows.length + 1;
  while (rows.some(({ name }) => name === `argument_${count}`)) count += 1;
  return `argument_${count}`;
}
