import "./Knowledge.css";
import { BookText, FilePlus, Pencil, Plus, ScrollText, Trash2 } from "lucide-react";
import { lazy, useRef, useState } from "react";
import { Fetched } from "../ui/Fetched";
import { told } from "../api/refusal";
import { Button, IconButton } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { Endless } from "../ui/Endless";
import { useFileDrop } from "./drops";
import { useEditing } from "./editing";
import { FindKnowledge } from "./FindKnowledge";
import { useDocuments, useKnowledge, type Document } from "./knowledge";
import { called } from "./names";

const TextDialog = lazy(() => import("./TextDialog"));
const PassagesDialog = lazy(() => import("./PassagesDialog"));
const RenameDialog = lazy(() => import("./RenameDialog"));

/** The texts that somebody knows. They are the server's at once, and no part of the draft. */
export default function EditKnowledge() {
  const { character, save, busy, card } = useEditing();
  if (character) return <Documents character={character.id} />;
  return (
    <EmptyState
      icon={<BookText />}
      title="First they have to be made"
      actions={
        <Button look="primary" busy={busy} disabled={!card.name.trim()} onClick={() => void save()}>
          Make {card.name.trim() ? called(card.name) : "them"}
        </Button>
      }
    >
      Then texts can be given to them: a rule book, a chronicle, notes.
    </EmptyState>
  );
}

type Opened = { what: "text" } | { what: "passages" | "rename"; document: Document } | null;
type Line = { key: number; said: string; wrong: boolean };

function Documents({ character }: { character: string }) {
  const list = useDocuments(character);
  const knowledge = useKnowledge(character);
  const [opened, setOpened] = useState<Opened>(null);
  const [reads, setReads] = useState<string | null>(null);
  const [lines, setLines] = useState<Line[]>([]);
  const here = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const close = () => setOpened(null);

  async function bring(files: Iterable<File>) {
    setLines([]);
    const say = (said: string, wrong = false) => setLines((now) => [...now, { key: now.length, said, wrong }]);
    for (const file of [...files]) {
      setReads(file.name);
      try {
        const { title, warnings } = await knowledge.addFile(file);
        for (const warning of warnings) say(`${called(title)}: ${warning}`);
      } catch (error) {
        say(`${called(file.name)}: ${told(error)}`, true);
      }
    }
    setReads(null);
  }

  useFileDrop(here, (files) => void bring(files));

  return (
    <div ref={here} className="editor-list" role="group" aria-label="Texts" data-drops>
      <p className="editor-about">
        Long texts that they know: of each, the few passages that answer best are told in a turn. Only you see them.
      </p>
      <div className="editor-row">
        <Button busy={reads !== null} onClick={() => input.current?.click()}>
          <FilePlus size={18} /> Add files
        </Button>
        <Button onClick={() => setOpened({ what: "text" })}>
          <Plus size={18} /> Write a text
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          multiple
          aria-label="Files to know"
          accept=".txt,.md,.markdown,.pdf,text/*,application/pdf"
          onChange={({ target }) => {
            void bring(target.files ?? []);
            target.value = "";
          }}
        />
      </div>
      <div role="status">
        {reads !== null && <p className="field-hint">Reading {called(reads)}…</p>}
        {lines.map(({ key, said, wrong }) => (
          <p key={key} className={wrong ? "field-error" : "field-hint"}>
            {said}
          </p>
        ))}
      </div>
      {list.isPending && <Loading />}
      {list.error && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      {list.data?.length === 0 && (
        <EmptyState icon={<BookText />} title="No texts yet">
          Plain text, Markdown or PDF, up to 20 MB each. Files can be dropped here.
        </EmptyState>
      )}
      {!!list.data?.length && <FindKnowledge character={character} />}
      <ul role="list" className="documents">
        {list.data?.map((document) => (
          <li key={document.id} className="document">
            <div className="document-words">
              <strong dir="auto">{document.title}</strong>
              <span className="field-hint">
                {document.characters.toLocaleString()} characters in {document.passages.toLocaleString()}{" "}
                {document.passages === 1 ? "passage" : "passages"}
              </span>
            </div>
            <IconButton
              small
              label={`Read ${called(document.title)}`}
              icon={<ScrollText />}
              onClick={() => setOpened({ what: "passages", document })}
            />
            <IconButton
              small
              label={`Rename ${called(document.title)}`}
              icon={<Pencil />}
              onClick={() => setOpened({ what: "rename", document })}
            />
            <IconButton
              small
              label={`Delete ${called(document.title)}`}
              icon={<Trash2 />}
              onClick={() => knowledge.remove(document)}
            />
          </li>
        ))}
      </ul>
      <Endless list={list} />
      <Fetched place={opened?.what ?? ""} onLost={close}>
        {opened?.what === "text" && <TextDialog character={character} onClose={close} />}
        {opened?.what === "rename" && <RenameDialog character={character} document={opened.document} onClose={close} />}
        {opened?.what === "passages" && (
          <PassagesDialog character={character} document={opened.document} onClose={close} />
        )}
      </Fetched>
    </div>
  );
}
