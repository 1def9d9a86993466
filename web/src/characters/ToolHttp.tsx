import { SelectField, TextArea, TextField } from "../ui/Field";
import { wrongOf } from "./Fields";
import { Pairs } from "./Pairs";
import { ToolArguments } from "./ToolArguments";
import type { ToolForm } from "./toolForm";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export type ToolPartProps = {
  form: ToolForm;
  wrong: Record<string, string>;
  onChange: (patch: Partial<ToolForm>) => void;
};

/** One request to another server. */
export function ToolHttp({ form, wrong, onChange }: ToolPartProps) {
  const { method } = form;
  return (
    <>
      <ToolArguments
        parameters={form.parameters}
        wrong={wrongOf(wrong, "parameters")}
        onChange={(parameters) => onChange({ parameters })}
      />
      <div className="tool-request">
        <SelectField
          label="Method"
          value={method}
          error={wrong["http.method"]}
          onChange={({ target }) => onChange({ method: target.value as ToolForm["method"] })}
        >
          {METHODS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
        <TextField
          label="Address"
          type="url"
          dir="ltr"
          spellCheck={false}
          maxLength={2_000}
          placeholder="https://library.example/shelves/{place}"
          hint="{name} stands for an argument, after the host."
          value={form.url}
          error={wrong["http.url"] ?? wrong["http"]}
          onChange={({ target }) => onChange({ url: target.value })}
        />
      </div>
      <Pairs
        label="Query"
        one="pair"
        hint="Arguments that are named nowhere go along by themselves."
        pairs={form.query}
        placeholders={["q", "{words}"]}
        wrong={wrong}
        attr="http.query"
        onChange={(query) => onChange({ query })}
      />
      <Pairs
        label="Headers"
        one="header"
        hint="{secrets.NAME} stands for a secret."
        pairs={form.headers}
        placeholders={["Authorization", "Bearer {secrets.KEY}"]}
        wrong={wrong}
        attr="http.headers"
        onChange={(headers) => onChange({ headers })}
      />
      {method !== "GET" && method !== "DELETE" && (
        <TextArea
          label="Body"
          hint="JSON, with {names} in its texts. Left blank, it is the arguments."
          className="field-control field-area code"
          dir="ltr"
          spellCheck={false}
          value={form.body}
          error={wrongOf(wrong, "http.body")}
          onChange={({ target }) => onChange({ body: target.value })}
        />
      )}
    </>
  );
}
