import { useQueryClient } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { lazy, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Schemas } from "../api/client";
import { send } from "../api/send";
import type { Chooseable } from "../sidebar/ChooseCharacter";
import { Fetched } from "../ui/Fetched";
import { Button } from "../ui/Button";
import { toast } from "../ui/toasts";
import { Wrong } from "../ui/Wrong";
import { Section } from "./Section";
import { useAttempt } from "../ui/useAttempt";

const ChooseCharacter = lazy(() => import("../sidebar/ChooseCharacter"));

type Imported = Schemas["ImportedConversation"];

/** Brings a conversation in, and goes there; where something had to be left out, that is told first. */
export function ImportConversation() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const picker = useRef<HTMLInputElement>(null);
  const [character, setCharacter] = useState<Chooseable | null>(null);
  const [choosing, setChoosing] = useState(false);
  const [imported, setImported] = useState<Imported | null>(null);
  const { busy, attempt, otherThan } = useAttempt();

  async function bring(file: File) {
    const form = new FormData();
    form.set("file", file);
    if (character) form.set("character", character.id);
    setImported(null);
    await attempt(async () => {
      const response = await send("/api/conversations/import/", { method: "POST", body: form });
      const conversation = (await response.json()) as Imported;
      void client.invalidateQueries({ queryKey: ["conversations"] });
      if (conversation.warnings.length > 0) setImported(conversation);
      else {
        toast("The conversation is here.");
        navigate(`/c/${conversation.id}`);
      }
    });
  }

  return (
    <Section
      title="Import a conversation"
      about="One that was exported here as JSON, or a SillyTavern chat (.jsonl). It may go on with one of your characters."
    >
      <div className="settings-buttons">
        <input
          ref={picker}
          type="file"
          hidden
          aria-label="File with a conversation"
          accept=".json,.jsonl,application/json"
          onChange={({ target }) => {
            const file = target.files?.[0];
            if (file) void bring(file);
            // The same file again is a choice, too.
            target.value = "";
          }}
        />
        <Button busy={busy} onClick={() => picker.current?.click()}>
          <Upload /> Choose a file
        </Button>
        <Button look="quiet" className="import-whom" onClick={() => setChoosing(true)}>
          {character ? <span dir="auto">It goes on with {character.name}</span> : "It goes on with whom it names"}
        </Button>
      </div>
      <Wrong>{otherThan()}</Wrong>
      {imported && (
        <div role="status" className="import-told">
          <p>
            <Link href={`/c/${imported.id}`}>The conversation is here.</Link> Some of it had to be mended or left out:
          </p>
          <ul>
            {imported.warnings.map((warning, index) => (
              <li key={index}>{warning}</li>
            ))}
          </ul>
        </div>
      )}
      <Fetched place={String(choosing)} onLost={() => setChoosing(false)}>
        {choosing && (
          <ChooseCharacter
            title="With whom does it go on?"
            nobody="Whom it names"
            chosen={character?.id ?? null}
            onChoose={setCharacter}
            onClose={() => setChoosing(false)}
          />
        )}
      </Fetched>
    </Section>
  );
}
