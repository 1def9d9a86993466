import { useEffect, useRef, useState } from "react";
import { answer, api } from "../api/client";
import { Refusal, told } from "../api/refusal";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { SelectField, TextArea, TextField } from "../ui/Field";
import { toast } from "../ui/toasts";
import { Switch } from "./Fields";
import { formOf, NoJson, requestOf, type ToolForm } from "./toolForm";
import { ToolHttp } from "./ToolHttp";
import { ToolMcp } from "./ToolMcp";
import { BUILTINS, KINDS, useKeepTool, type Builtin, type Kind, type Tool } from "./tools";
import { ToolSecrets } from "./ToolSecrets";

type ToolDialogProps = {
  tool: Tool | null;
  onClose: () => void;
  onMade: (tool: Tool) => void;
  onTry: (tool: Tool) => void;
};

/** Making a tool, or changing one. */
export default function ToolDialog({ tool: given, onClose, onMade, onTry }: ToolDialogProps) {
  const [tool, setTool] = useState(given);
  const [form, setForm] = useState(() => formOf(given));
  const [dirty, setDirty] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [unasked, setUnasked] = useState<string | undefined>();
  const keep = useKeepTool();
  const wrong = wrongIn(error);
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error !== null) body.current?.querySelector<HTMLElement>("[aria-invalid='true']")?.focus();
  }, [error]);

  function put(patch: Partial<ToolForm>) {
    setForm((now) => ({ ...now, ...patch }));
    setDirty(true);
    setLeaving(false);
  }

  function adopt(now: Tool) {
    keep(now);
    setTool(now);
    setForm(formOf(now));
    setDirty(false);
  }

  /** The tool as it is then; null where it was refused. */
  async function save(): Promise<Tool | null> {
    setBusy(true);
    setError(null);
    try {
      const body = requestOf(form);
      const now = tool
        ? await answer(api.PATCH("/api/tools/{id}/", { params: { path: { id: tool.id } }, body }))
        : await answer(api.POST("/api/tools/", { body }));
      adopt(now);
      if (!tool) onMade(now);
      return now;
    } catch (error) {
      setError(error);
      return null;
    } finally {
      setBusy(false);
    }
  }

  async function refresh() {
    setUnasked(undefined);
    const now = dirty || !tool ? await save() : tool;
    if (!now) return;
    setBusy(true);
    try {
      adopt(await answer(api.POST("/api/tools/{id}/refresh/", { params: { path: { id: now.id } } })));
    } catch (error) {
      setUnasked(told(error));
    } finally {
      setBusy(false);
    }
  }

  async function end(then: (tool: Tool) => void) {
    const now = dirty || !tool ? await save() : tool;
    if (now) then(now);
  }

  const loose = error !== null && Object.keys(wrong).length === 0;
  return (
    <Dialog
      wide
      title={tool ? `Tool: ${tool.name}` : "A new tool"}
      about="In a talk the model calls it when it likes, and is told what came of it."
      onClose={() => (dirty ? setLeaving(true) : onClose())}
    >
      <div ref={body} className="dialog-form">
        <SelectField
          label="What it is"
          value={form.kind}
          error={wrong["kind"]}
          onChange={({ target }) => put({ kind: target.value as Kind })}
        >
          {Object.entries(KINDS).map(([kind, label]) => (
            <option key={kind} value={kind}>
              {label}
            </option>
          ))}
        </SelectField>
        {form.kind === "builtin" && (
          <SelectField
            label="Which one"
            value={form.builtin}
            error={wrong["builtin"]}
            hint={BUILTINS.find(([name]) => name === form.builtin)?.[2]}
            onChange={({ target }) => put({ builtin: target.value as Builtin })}
          >
            {BUILTINS.map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </SelectField>
        )}
        <TextField
          label="Name"
          hint="As a function’s: letters, digits, _ and -, and no blanks."
          value={form.name}
          maxLength={64}
          spellCheck={false}
          placeholder={form.kind === "builtin" ? form.builtin : "find_books"}
          error={wrong["name"]}
          onChange={({ target }) => put({ name: target.value })}
        />
        <TextArea
          label="Description"
          hint="What it does and when to use it, told to the model."
          dir="auto"
          value={form.description}
          maxLength={4_000}
          error={wrong["description"]}
          onChange={({ target }) => put({ description: target.value })}
        />
        {form.kind === "http" && <ToolHttp form={form} wrong={wrong} onChange={put} />}
        {form.kind === "mcp" && (
          <ToolMcp {...{ form, tool, wrong, busy, unasked }} onChange={put} onRefresh={refresh} />
        )}
        {form.kind !== "builtin" && <ToolSecrets form={form} tool={tool} wrong={wrong} onChange={put} />}
        <Switch
          label="Others may use it"
          hint="Whoever talks to a public character that has it. It acts in your name, with your secrets."
          checked={form.usable_by_others}
          error={wrong["usable_by_others"]}
          onChange={(usable_by_others) => put({ usable_by_others })}
        />
        {(loose || Object.keys(wrong).length > 0) && (
          <p role="alert" className="field-error">
            {loose ? told(error) : "Something in it cannot be taken. It says so where it is."}
          </p>
        )}
        <DialogActions>
          {leaving ? (
            <>
              <p role="alert" className="tool-leaving">
                What you changed is not saved.
              </p>
              <Button look="danger" onClick={onClose}>
                Discard
              </Button>
              <Button onClick={() => setLeaving(false)}>Go on</Button>
            </>
          ) : (
            <Button busy={busy} onClick={() => void end(onTry)}>
              {dirty || !tool ? "Save and try" : "Try it"}
            </Button>
          )}
          <Button
            look="primary"
            busy={busy}
            onClick={() =>
              void end(() => {
                toast("The tool is saved.");
                onClose();
              })
            }
          >
            Save
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

function wrongIn(error: unknown): Record<string, string> {
  if (error instanceof NoJson) return { [error.attr]: error.message };
  return error instanceof Refusal ? error.fields : {};
}
