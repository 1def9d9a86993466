import { Button } from "../ui/Button";
import { Pairs } from "./Pairs";
import type { ToolPartProps } from "./ToolHttp";
import type { Tool } from "./tools";

/** Keys and passwords: written, never shown again. */
export function ToolSecrets({ form, tool, wrong, onChange }: ToolPartProps & { tool: Tool | null }) {
  const names = tool?.secret_names ?? [];
  return (
    <fieldset className="tool-part">
      <legend className="field-label">Secrets</legend>
      <p className="field-hint">Kept encrypted. Nobody can read them again, you neither.</p>
      {names.length > 0 && (
        <ul role="list" className="tool-secrets">
          {names.map((name) => (
            <li key={name} className="editor-row">
              <code>{name}</code>
              {form.unset.includes(name) ? (
                <>
                  <span className="field-hint">will be taken away</span>
                  <Button
                    look="quiet"
                    onClick={() => onChange({ unset: form.unset.filter((each) => each !== name) })}
                    aria-label={`Keep ${name}`}
                  >
                    Keep
                  </Button>
                </>
              ) : (
                <>
                  <span className="field-hint">is set</span>
                  <Button
                    look="quiet"
                    aria-label={`Replace ${name}`}
                    onClick={() => onChange({ secrets: [...form.secrets, { name, value: "" }] })}
                  >
                    Replace
                  </Button>
                  <Button
                    look="quiet"
                    aria-label={`Remove ${name}`}
                    onClick={() => onChange({ unset: [...form.unset, name] })}
                  >
                    Remove
                  </Button>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      <Pairs
        label="New secrets"
        one="secret"
        hidden
        pairs={form.secrets}
        placeholders={["KEY", "At least 4 characters"]}
        wrong={wrong}
        attr="secrets"
        onChange={(secrets) => onChange({ secrets })}
      />
    </fieldset>
  );
}
