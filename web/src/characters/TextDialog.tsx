import { useState, type SubmitEvent } from "react";
import { Refusal, told } from "../api/refusal";
import { text } from "../session/SignIn";
import { draftOf, keepDraft } from "../talk/drafts";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { TextArea, TextField } from "../ui/Field";
import { Switch } from "./Fields";
import { useKnowledge } from "./knowledge";

/** A text that is written down here, for a character to know. What was written stays, should one close it. */
export default function TextDialog({ character, onClose }: { character: string; onClose: () => void }) {
  const { addText } = useKnowledge(character);
  const [markdown, setMarkdown] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const draft = `knowledge.${character}`;
  const wrong = error instanceof Refusal ? error.fields : {};

  async function add(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    try {
      const kind = markdown ? "markdown" : "text";
      await addText({ title: text(form, "title"), text: text(form, "text"), kind });
      keepDraft(draft, "");
      onClose();
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  }

  return (
    <Dialog wide title="A text to know" onClose={onClose}>
      <form className="dialog-form" onSubmit={(event) => void add(event)}>
        <TextField label="Title" name="title" required maxLength={200} dir="auto" error={wrong["title"]} />
        <TextArea
          label="Text"
          name="text"
          required
          dir="auto"
          defaultValue={draftOf(draft)}
          error={wrong["text"] ?? wrong["file"]}
          onChange={({ target }) => keepDraft(draft, target.value)}
        />
        <Switch
          label="Markdown"
          hint="Its headings then say what a passage is about."
          checked={markdown}
          onChange={setMarkdown}
        />
        {error !== null && Object.keys(wrong).length === 0 && (
          <p role="alert" className="field-error">
            {told(error)}
          </p>
        )}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Add
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
