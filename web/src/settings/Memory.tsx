import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { BookHeart, Pencil, Trash2 } from "lucide-react";
import { useState, type KeyboardEvent, type SubmitEvent } from "react";
import { Link } from "wouter";
import { answer, api, cursorIn, type Schemas } from "../api/client";
import { told } from "../api/refusal";
import { useCharacter } from "../characters/list";
import { Avatar } from "../ui/Avatar";
import { Button, IconButton } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { Endless } from "../ui/Endless";
import { TextArea } from "../ui/Field";
import { Leaving, useLeaving } from "../ui/leaving";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { toast, undoable } from "../ui/toasts";
import { Wrong } from "../ui/Wrong";
import { Section } from "./Section";
import { useAttempt } from "../ui/useAttempt";

type Fact = Schemas["Fact"];
type Facts = InfiniteData<Schemas["PaginatedFactList"], string | null>;

const KEY = ["facts"];
const leaving = new Leaving();

/** What characters keep about a person: to be read, corrected and taken away. */
export default function Memory() {
  const facts = useInfiniteQuery({
    queryKey: KEY,
    queryFn: ({ pageParam }) =>
      answer(api.GET("/api/facts/", { params: { query: { ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
  const gone = useLeaving(leaving);
  const shown = facts.data?.filter(({ id }) => !gone.has(id));
  return (
    <Section
      title="What is remembered of you"
      about="Characters that have the tool for it keep what you tell them about yourself, each for itself, and think of it in every conversation with you."
    >
      {facts.isPending && <Loading />}
      {facts.error && !facts.data && <Problem error={facts.error} onRetry={() => void facts.refetch()} />}
      {shown?.length === 0 && (
        <EmptyState icon={<BookHeart />} title="Nothing yet">
          Tell a character that has the tool “remember” something about yourself.
        </EmptyState>
      )}
      <ul role="list" className="settings-rows">
        {shown?.map((fact) => (
          <Remembered key={fact.id} fact={fact} />
        ))}
      </ul>
      <Endless list={facts} />
    </Section>
  );
}

function Remembered({ fact }: { fact: Fact }) {
  const { id, character, text } = fact;
  const whose = useCharacter(character).data;
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const name = whose?.name ?? "Somebody";

  const put = (change: (rows: Fact[]) => Fact[]) =>
    client.setQueryData<Facts>(
      KEY,
      (list) => list && { ...list, pages: list.pages.map((page) => ({ ...page, results: change(page.results) })) },
    );

  function forget() {
    leaving.add(id);
    undoable(
      "Forgotten.",
      (closing) =>
        answer(api.DELETE("/api/facts/{id}/", { params: { path: { id } }, keepalive: closing })).then(
          () => put((rows) => rows.filter((row) => row.id !== id)),
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
      <Avatar size="small" name={name} src={whose?.avatar} />
      {editing ? (
        <Correct
          fact={fact}
          onDone={(next) => {
            setEditing(false);
            if (next) put((rows) => rows.map((row) => (row.id === id ? next : row)));
          }}
        />
      ) : (
        <>
          <div className="settings-row-text">
            <p dir="auto">{text}</p>
            <p className="settings-about">
              <Link href={`/characters/${character}`} dir="auto">
                {name}
              </Link>
              , {new Date(fact.created_at).toLocaleDateString("en", { dateStyle: "medium" })}
            </p>
          </div>
          <IconButton small label="Correct this" icon={<Pencil />} onClick={() => setEditing(true)} />
          <IconButton small label="Forget this" icon={<Trash2 />} onClick={forget} />
        </>
      )}
    </li>
  );
}

function Correct({ fact, onDone }: { fact: Fact; onDone: (fact: Fact | null) => void }) {
  const [text, setText] = useState(fact.text);
  const { busy, attempt, fields, otherThan } = useAttempt();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const path = { id: fact.id };
    await attempt(async () =>
      onDone(await answer(api.PATCH("/api/facts/{id}/", { params: { path }, body: { text: text.trim() } }))),
    );
  }

  return (
    <form className="settings-form settings-row-text" onSubmit={(event) => void submit(event)}>
      <TextArea
        label="What is remembered"
        required
        maxLength={1000}
        value={text}
        dir="auto"
        ref={focused}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event: KeyboardEvent) => event.key === "Escape" && onDone(null)}
        error={fields["text"]}
      />
      <Wrong>{otherThan("text")}</Wrong>
      <div className="settings-buttons">
        <Button type="submit" look="primary" busy={busy} disabled={text.trim() === ""}>
          Save
        </Button>
        <Button onClick={() => onDone(null)}>Cancel</Button>
      </div>
    </form>
  );
}

function focused(area: HTMLTextAreaElement | null) {
  area?.focus();
}
