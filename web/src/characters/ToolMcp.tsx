import { RefreshCw } from "lucide-react";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Switch } from "./Fields";
import { Pairs } from "./Pairs";
import type { ToolPartProps } from "./ToolHttp";
import type { Tool } from "./tools";

type ToolMcpProps = ToolPartProps & {
  tool: Tool | null;
  busy: boolean;
  /** Why the server did not tell what it offers. */
  unasked: string | undefined;
  onRefresh: () => Promise<void>;
};

/** A server that speaks MCP, and which of its functions models are offered. */
export function ToolMcp({ form, tool, wrong, busy, unasked, onChange, onRefresh }: ToolMcpProps) {
  const listed = tool?.listed ?? [];
  const chosen = form.functions ?? listed;
  return (
    <>
      <TextField
        label="Address"
        type="url"
        dir="ltr"
        spellCheck={false}
        maxLength={2_000}
        placeholder="https://tools.example/mcp"
        hint="Of a server that speaks MCP over Streamable HTTP."
        value={form.url}
        error={wrong["mcp.url"] ?? wrong["mcp"]}
        onChange={({ target }) => onChange({ url: target.value })}
      />
      <Pairs
        label="Headers"
        one="header"
        hint="{secrets.NAME} stands for a secret."
        pairs={form.headers}
        placeholders={["Authorization", "Bearer {secrets.KEY}"]}
        wrong={wrong}
        attr="mcp.headers"
        onChange={(headers) => onChange({ headers })}
      />
      <fieldset className="tool-part">
        <legend className="field-label">What it offers</legend>
        <p className="field-hint">
          {listed.length > 0
            ? "As it was when it was asked last; a server cannot change that by itself."
            : "Not known before the server was asked."}
        </p>
        {listed.map((name) => (
          <Switch
            key={name}
            label={<bdi>{name}</bdi>}
            checked={chosen.includes(name)}
            onChange={(has) => onChange({ functions: choice(listed, chosen, name, has) })}
          />
        ))}
        {wrong["mcp.functions"] && <p className="field-error">{wrong["mcp.functions"]}</p>}
        <Button busy={busy} className="editor-add" onClick={onRefresh}>
          <RefreshCw size={18} /> Save, and ask the server
        </Button>
        <p role="status" className="field-error">
          {unasked}
        </p>
      </fieldset>
    </>
  );
}

/** Null where it is all: then what the server adds is offered after the next time it is asked. */
function choice(listed: string[], chosen: string[], name: string, has: boolean): string[] | null {
  const next = listed.filter((each) => (each === name ? has : chosen.includes(each)));
  return next.length === listed.length ? null : next;
}
