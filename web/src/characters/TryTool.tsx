import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { told } from "../api/refusal";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { SelectField, TextArea } from "../ui/Field";
import { isObject } from "./book";
import { jsonIn } from "./toolForm";
import type { Tool } from "./tools";

type Function = Schemas["Function"];

/** Calls a tool as a model would, and shows what comes of it. */
export default function TryTool({ tool, onClose }: { tool: Tool; onClose: () => void }) {
  const [name, setName] = useState(tool.functions[0]?.name ?? "");
  const chosen = tool.functions.find((each) => each.name === name);
  const [given, setGiven] = useState(() => exampleOf(chosen));
  const [ran, setRan] = useState<Schemas["Ran"] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function run() {
    setBusy(true);
    setError(null);
    setRan(null);
    try {
      const body = {
        arguments: jsonIn(given || "{}", "arguments"),
        ...(tool.kind === "mcp" && { function: name }),
      };
      setRan(await answer(api.POST("/api/tools/{id}/run/", { params: { path: { id: tool.id } }, body })));
    } catch (error) {
      setError(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog wide title={`Try ${tool.name}`} about={chosen?.description.slice(0, 500)} onClose={onClose}>
      <div className="dialog-form">
        {tool.functions.length > 1 && (
          <SelectField
            label="Function"
            value={name}
            onChange={({ target }) => {
              setName(target.value);
              setGiven(exampleOf(tool.functions.find((each) => each.name === target.value)));
            }}
          >
            {tool.functions.map((each) => (
              <option key={each.name}>{each.name}</option>
            ))}
          </SelectField>
        )}
        <TextArea
          label="Arguments"
          hint="As JSON."
          className="field-control field-area code"
          dir="ltr"
          spellCheck={false}
          value={given}
          error={error === null ? undefined : told(error)}
          onChange={({ target }) => setGiven(target.value)}
        />
        <DialogActions>
          <Button look="primary" busy={busy} onClick={run}>
            Run
          </Button>
        </DialogActions>
        <div role="status">{ran && <Came ran={ran} />}</div>
      </div>
    </Dialog>
  );
}

function Came({ ran }: { ran: Schemas["Ran"] }) {
  const { text, raw, error, milliseconds } = ran;
  return (
    <>
      <p className={error ? "field-error" : "field-hint"}>
        {error ? `It failed: ${error.detail}` : `It took ${milliseconds.toLocaleString()} ms. A model would be told:`}
      </p>
      {text !== null && (
        <pre className="ran" dir="auto">
          {text}
        </pre>
      )}
      {raw !== null && raw !== undefined && (
        <details className="entry-more">
          <summary>As it came</summary>
          <pre className="ran" dir="auto">
            {typeof raw === "string" ? raw : JSON.stringify(raw, null, 2)}
          </pre>
        </details>
      )}
    </>
  );
}

const EXAMPLES: Record<string, unknown> = { string: "", integer: 1, number: 1, boolean: true, array: [], object: {} };

/** All that has to be said, to be filled in. */
function exampleOf(chosen: Function | undefined): string {
  const { properties, required } = chosen?.parameters ?? {};
  const names = Array.isArray(required) ? required.filter((name): name is string => typeof name === "string") : [];
  const known = isObject(properties) ? properties : {};
  const example = names.map((name) => {
    const property = known[name];
    const type = isObject(property) && typeof property["type"] === "string" ? property["type"] : "string";
    return [name, EXAMPLES[type] ?? ""];
  });
  return JSON.stringify(Object.fromEntries(example), null, 2);
}
