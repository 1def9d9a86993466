import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { SelectField } from "../ui/Field";
import { Chips, NumberField, wrongOf } from "./Fields";

export type ModelSettings = Pick<Schemas["Conversation"], "model" | "temperature" | "top_p" | "max_tokens" | "stop">;

type ModelFieldsProps = {
  values: ModelSettings;
  /** Who chooses where nothing is chosen here; of the server it is told what that is. */
  otherwise: "The server’s own" | "As the character has it";
  /** What was refused and why, by the field's name. */
  wrong: Record<string, string>;
  onChange: (patch: Partial<ModelSettings> & { stop?: string[] }) => void;
};

/** A model, and how freely it speaks. */
export function ModelFields({ values, otherwise, wrong, onChange }: ModelFieldsProps) {
  const models = useQuery({ queryKey: ["models"], queryFn: () => answer(api.GET("/api/models/")) });
  const offered = models.data?.results ?? [];
  const usual = offered.find((model) => model.default);
  const unknown = values.model !== "" && !offered.some(({ id }) => id === values.model);
  return (
    <>
      <SelectField
        label="Model"
        value={values.model}
        error={wrong["model"]}
        onChange={({ target }) => onChange({ model: target.value })}
      >
        <option value="">
          {otherwise}
          {usual && otherwise === "The server’s own" ? ` (${usual.id})` : ""}
        </option>
        {unknown && (
          <option value={values.model}>{models.data ? `${values.model} (not on offer)` : values.model}</option>
        )}
        {offered.map(({ id, context_tokens }) => (
          <option key={id} value={id}>
            {id} · {context_tokens.toLocaleString()} tokens
          </option>
        ))}
      </SelectField>
      <div className="fields-pair">
        <NumberField
          label="Temperature"
          hint="0 is always the same, 2 is wild."
          min={0}
          max={2}
          step="any"
          value={values.temperature}
          error={wrong["temperature"]}
          onChange={(temperature) => onChange({ temperature })}
        />
        <NumberField
          label="Top p"
          hint="How much of what is likely is drawn from: 0 to 1."
          min={0}
          max={1}
          step="any"
          value={values.top_p}
          error={wrong["top_p"]}
          onChange={(top_p) => onChange({ top_p })}
        />
        <NumberField
          label="Longest answer"
          hint="In tokens."
          min={1}
          max={1_000_000}
          value={values.max_tokens}
          error={wrong["max_tokens"]}
          onChange={(max_tokens) => onChange({ max_tokens })}
        />
      </div>
      <Chips
        label="Stop at"
        hint="Where an answer ends. Enter adds one; \n is a new line."
        values={values.stop ?? []}
        wrong={wrongOf(wrong, "stop")}
        show={escaped}
        read={unescaped}
        onChange={(stop) => onChange({ stop })}
      />
    </>
  );
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

const ESCAPES: Record<string, string> = { "\\n": "\n", "\\t": "\t", "\\\\": "\\" };

function unescaped(typed: string): string[] {
  const text = typed.replaceAll(/\\[nt\\]/g, (found) => ESCAPES[found] ?? found);
  return text ? [text] : [];
}
