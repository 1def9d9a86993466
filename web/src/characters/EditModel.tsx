import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { SelectField } from "../ui/Field";
import { useEditing } from "./editing";
import { Chips, NumberField, wrongOf } from "./Fields";

/** Which model speaks for somebody, and how freely. */
export default function EditModel() {
  const { card, set, wrong } = useEditing();
  const models = useQuery({ queryKey: ["models"], queryFn: () => answer(api.GET("/api/models/")) });
  const offered = models.data?.results ?? [];
  const usual = offered.find((model) => model.default);
  const unknown = card.model !== "" && !offered.some(({ id }) => id === card.model);
  return (
    <>
      <p className="editor-about">What is left blank is as the server has it. A conversation may say otherwise.</p>
      <SelectField
        label="Model"
        value={card.model}
        error={wrong["model"]}
        onChange={({ target }) => set({ model: target.value })}
      >
        <option value="">The server’s own{usual ? ` (${usual.id})` : ""}</option>
        {unknown && <option value={card.model}>{models.data ? `${card.model} (not on offer)` : card.model}</option>}
        {offered.map(({ id, context_tokens }) => (
          <option key={id} value={id}>
            {id} · {context_tokens.toLocaleString()} tokens
          </option>
        ))}
      </SelectField>
      <div className="editor-pair">
        <NumberField
          label="Temperature"
          hint="0 is always the same, 2 is wild."
          min={0}
          max={2}
          step="any"
          value={card.temperature}
          error={wrong["temperature"]}
          onChange={(temperature) => set({ temperature })}
        />
        <NumberField
          label="Top p"
          hint="How much of what is likely is drawn from: 0 to 1."
          min={0}
          max={1}
          step="any"
          value={card.top_p}
          error={wrong["top_p"]}
          onChange={(top_p) => set({ top_p })}
        />
        <NumberField
          label="Longest answer"
          hint="In tokens."
          min={1}
          max={1_000_000}
          value={card.max_tokens}
          error={wrong["max_tokens"]}
          onChange={(max_tokens) => set({ max_tokens })}
        />
      </div>
      <Chips
        label="Stop at"
        hint="Where an answer ends. Enter adds one; \n is a new line."
        values={card.stop}
        wrong={wrongOf(wrong, "stop")}
        show={escaped}
        read={unescaped}
        onChange={(stop) => set({ stop })}
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
