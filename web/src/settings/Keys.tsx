import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy, KeyRound, Trash2 } from "lucide-react";
import { useState, type SubmitEvent } from "react";
import { answer, api, cursorIn, type Schemas } from "../api/client";
import { told } from "../api/refusal";
import { Button, IconButton } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { Endless } from "../ui/Endless";
import { TextField } from "../ui/Field";
import { Leaving, useLeaving } from "../ui/leaving";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { toast, undoable } from "../ui/toasts";
import { Wrong } from "../ui/Wrong";
import { Section } from "./Section";
import { useAttempt } from "../ui/useAttempt";

const KEY = ["api-keys"];
const leaving = new Leaving();

/** Keys for programs: made, listed by how they begin, taken back. */
export default function Keys() {
  const keys = useInfiniteQuery({
    queryKey: KEY,
    queryFn: ({ pageParam }) =>
      answer(api.GET("/api/auth/api-keys/", { params: { query: { ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
  const gone = useLeaving(leaving);
  const shown = keys.data?.filter(({ id }) => !gone.has(id));
  return (
    <Section
      title="API keys"
      about={
        <>
          For programs that speak OpenAI’s protocol: give them a key and the address{" "}
          <code>{window.location.origin}/v1</code>. Your characters are their models.
        </>
      }
    >
      <Make />
      {keys.isPending && <Loading />}
      {keys.error && !keys.data && <Problem error={keys.error} onRetry={() => void keys.refetch()} />}
      {shown?.length === 0 && (
        <EmptyState icon={<KeyRound />} title="No keys">
          Name the program that it is for, and make one.
        </EmptyState>
      )}
      <ul role="list" className="settings-rows">
        {shown?.map((key) => (
          <Made key={key.id} apiKey={key} />
        ))}
      </ul>
      <Endless list={keys} />
    </Section>
  );
}

function Make() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [made, setMade] = useState<Schemas["NewApiKey"] | null>(null);
  const { busy, attempt, fields, otherThan } = useAttempt();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    await attempt(async () => {
      setMade(await answer(api.POST("/api/auth/api-keys/", { body: { name: name.trim() } })));
      setName("");
      await client.invalidateQueries({ queryKey: KEY });
    });
  }

  return (
    <>
      <form className="settings-line" onSubmit={(event) => void submit(event)}>
        <TextField
          label="What is it for?"
          placeholder="The program’s name"
          required
          maxLength={100}
          value={name}
          onChange={({ target }) => setName(target.value)}
          error={fields["name"]}
        />
        <Button type="submit" look="primary" busy={busy} disabled={name.trim() === ""}>
          Make a key
        </Button>
      </form>
      <Wrong>{otherThan("name")}</Wrong>
      <div role="status">{made && <Shown made={made} onDone={() => setMade(null)} />}</div>
    </>
  );
}

/** The key itself. Who reloads the page will not see it again. */
function Shown({ made, onDone }: { made: Schemas["NewApiKey"]; onDone: () => void }) {
  const [copied, setCopied] = useState(false);

  async function copy() {
    try {
      await navigator.clipboard.writeText(made.key);
      setCopied(true);
    } catch {
      toast("It could not be copied: mark it, and copy it yourself.", "danger");
    }
  }

  return (
    <div className="key-shown">
      <p>
        The key for <bdi>{made.name}</bdi>. <strong>It is shown this once:</strong> put it where it is needed.
      </p>
      <code className="key-text">{made.key}</code>
      <div className="settings-buttons">
        <Button look="primary" onClick={() => void copy()}>
          {copied ? <Check /> : <Copy />} {copied ? "Copied" : "Copy"}
        </Button>
        <Button onClick={onDone}>I have it</Button>
      </div>
    </div>
  );
}

function Made({ apiKey: { id, name, prefix, created_at, last_used_at } }: { apiKey: Schemas["ApiKey"] }) {
  const client = useQueryClient();

  function remove() {
    leaving.add(id);
    undoable(
      "Key deleted.",
      (closing) =>
        answer(api.DELETE("/api/auth/api-keys/{id}/", { params: { path: { id } }, keepalive: closing })).then(
          () => client.invalidateQueries({ queryKey: KEY }),
          (error: unknown) => {
            leaving.delete(id);
            toast(told(error), "danger");
          },
        ),
      () => leaving.delete(id),
    );
  }

  return (
    <li className="settings-row">
      <KeyRound aria-hidden="true" />
      <div className="settings-row-text">
        <p dir="auto">{name}</p>
        <p className="settings-about">
          <code>{prefix}…</code> made {dayOf(created_at)},{" "}
          {last_used_at ? `last used ${dayOf(last_used_at)}` : "never used"}
        </p>
      </div>
      <IconButton small label={`Delete the key for ${name}`} icon={<Trash2 />} onClick={remove} />
    </li>
  );
}

function dayOf(time: string): string {
  return new Date(time).toLocaleDateString("en", { dateStyle: "medium" });
}
