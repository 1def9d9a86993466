import "./Tools.css";
import { Ellipsis, Pencil, Play, Plus, Trash2, Wrench } from "lucide-react";
import { lazy, useState } from "react";
import { Fetched } from "../ui/Fetched";
import { answer, api } from "../api/client";
import { told } from "../api/refusal";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { Loading } from "../ui/Loading";
import { Menu } from "../ui/Menu";
import { Problem } from "../ui/Problem";
import { toast } from "../ui/toasts";
import { useEditing } from "./editing";
import { Switch, wrongOf } from "./Fields";
import { BUILTINS, KINDS, useKeepTool, useRemoveTool, useTools, type Builtin, type Tool } from "./tools";

const ToolDialog = lazy(() => import("./ToolDialog"));
const TryTool = lazy(() => import("./TryTool"));

const MOST = 32;

type Opened = { what: "edit"; tool: Tool | null } | { what: "try"; tool: Tool } | null;

/** What somebody can do beside talking: which of my tools they may use. */
export default function EditTools() {
  const { card, set, wrong } = useEditing();
  const tools = useTools();
  const keep = useKeepTool();
  const remove = useRemoveTool();
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  const refused = wrongOf(wrong, "tools");

  function give(id: string, has: boolean) {
    set((now) => ({ tools: has ? [...now.tools, id] : now.tools.filter((each) => each !== id) }));
  }

  async function addBuiltin(builtin: Builtin) {
    try {
      const tool = await answer(
        api.POST("/api/tools/", { body: { kind: "builtin", builtin, name: freeName(builtin, tools.data ?? []) } }),
      );
      keep(tool);
      give(tool.id, true);
    } catch (error) {
      toast(told(error), "danger");
    }
  }

  if (tools.isPending) return <Loading />;
  if (tools.error) return <Problem error={tools.error} onRetry={() => void tools.refetch()} />;
  const mine = tools.data ?? [];
  // Deleted elsewhere, and still in a draft.
  const lost = card.tools.filter((id) => !tools.known.has(id));
  const missing = BUILTINS.filter(([name]) => !mine.some(({ builtin }) => builtin === name));
  return (
    <>
      <p className="editor-about">
        Tools are yours, and serve all your characters. What is switched on here, this one may use in a talk, by itself.
      </p>
      {refused && (
        <p role="alert" className="field-error">
          {refused}
        </p>
      )}
      {mine.length === 0 && (
        <EmptyState icon={<Wrench />} title="No tools yet">
          Real dice, a clock, a memory: one press adds them. Your own can ask other servers.
        </EmptyState>
      )}
      <ul role="list" className="toolbox">
        {mine.map((tool) => (
          <li key={tool.id} className="toolbox-tool">
            <Switch
              label={<bdi>{tool.name}</bdi>}
              hint={
                <span className="toolbox-about" dir="auto">
                  {KINDS[tool.kind]} · {tool.description || tool.functions[0]?.description || "not described"}
                </span>
              }
              checked={card.tools.includes(tool.id)}
              disabled={!card.tools.includes(tool.id) && card.tools.length >= MOST}
              onChange={(has) => give(tool.id, has)}
            />
            <Menu
              small
              label={`More for ${tool.name}`}
              icon={<Ellipsis />}
              groups={[
                [
                  { label: "Edit", icon: <Pencil />, onSelect: () => setOpened({ what: "edit", tool }) },
                  { label: "Try it", icon: <Play />, onSelect: () => setOpened({ what: "try", tool }) },
                ],
                [
                  {
                    label: "Delete",
                    icon: <Trash2 />,
                    danger: true,
                    onSelect: () => remove(tool, () => give(tool.id, false)),
                  },
                ],
              ]}
            />
          </li>
        ))}
        {lost.map((id) => (
          <li key={id} className="toolbox-tool">
            <Switch label="A tool that is gone" checked onChange={() => give(id, false)} />
          </li>
        ))}
      </ul>
      <div className="editor-row">
        <Button onClick={() => setOpened({ what: "edit", tool: null })}>
          <Plus size={18} /> A tool of your own
        </Button>
      </div>
      {missing.length > 0 && (
        <section aria-labelledby="builtins">
          <h2 id="builtins" className="toolbox-head">
            Built in
          </h2>
          <ul role="list" className="builtins">
            {missing.map(([name, label, about]) => (
              <li key={name}>
                <button type="button" className="builtin" onClick={() => void addBuiltin(name)}>
                  <strong>
                    <Plus size={16} /> {label}
                  </strong>
                  <span>{about}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Fetched place={opened?.what ?? ""} onLost={close}>
        {opened?.what === "edit" && (
          <ToolDialog
            tool={opened.tool}
            onClose={close}
            onMade={(tool) => give(tool.id, true)}
            onTry={(tool) => setOpened({ what: "try", tool })}
          />
        )}
        {opened?.what === "try" && <TryTool tool={opened.tool} onClose={close} />}
      </Fetched>
    </>
  );
}

function freeName(name: string, tools: Tool[]): string {
  const taken = new Set(tools.map((tool) => tool.name));
  for (let count = 1; ; count += 1) {
    const free = count === 1 ? name : `${name}_${count}`;
    if (!taken.has(free)) return free;
  }
}
