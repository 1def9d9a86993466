import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import { answer, api } from "../api/client";
import { told } from "../api/refusal";
import { Button } from "../ui/Button";
import { useEditing } from "./editing";
import { fileForm } from "./file";
import { rowsOf } from "./book";

type Outcome = { wrong: boolean; said: string[] };

/** Brings a lorebook's file in. It goes to the server at once, so what is not saved is saved before. */
export function ImportBook() {
  const { character, dirty, save, adopt } = useEditing();
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const input = useRef<HTMLInputElement>(null);
  if (!character) return <p className="field-hint">Files of lore can be brought in once the character is made.</p>;

  async function bring(file: File | undefined) {
    if (!file || !character) return;
    setBusy(true);
    setOutcome(null);
    try {
      if (dirty && !(await save())) return;
      const params = { path: { id: character.id } };
      const { warnings, ...now } = await answer(
        api.POST("/api/characters/{id}/lorebook/", { params, ...fileForm(file) }),
      );
      await adopt(now);
      const count = rowsOf(now.lorebook ?? {}).length;
      setOutcome({
        wrong: false,
        said: [`The lorebook has ${count} ${count === 1 ? "entry" : "entries"} now.`, ...warnings],
      });
    } catch (error) {
      setOutcome({ wrong: true, said: [told(error)] });
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <Button busy={busy} onClick={() => input.current?.click()}>
        <Upload size={18} /> {dirty ? "Save, and import a file" : "Import a file"}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="File of a lorebook"
        onChange={({ target }) => {
          void bring(target.files?.[0]);
          target.value = "";
        }}
      />
      <div role="status" className={outcome?.wrong ? "field-error" : "field-hint"}>
        {outcome?.said.map((line, index) => (
          <p key={index}>{line}</p>
        ))}
      </div>
    </>
  );
}
