import { useState, type SubmitEvent } from "react";
import { text } from "../session/SignIn";
import { draftOf, keepDraft } from "../talk/drafts";
import { Dialog, FormActions } from "../ui/Dialog";
import { TextArea, TextField } from "../ui/Field";
import { useAttempt } from "../ui/useAttempt";
import { Wrong } from "../ui/Wrong";
import { Switch } from "./Fields";
import { useKnowledge } from "./knowledge";

/** A text that is written down here, for a character to know. What was written stays, should one close it. */
export default function TextDialog({ character, onClose }: { character: string; onClose: () => void }) {
  const { addText } = useKnowledge(character);
  const [markdown, setMarkdown] = useState(true);
  const { busy, attempt, fields: wrong, otherThan } = useAttempt();
  const draft = `knowledge.${character}`;

  async function add(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    await attempt(async () => {
      const kind = markdown ? "markdown" : "text";
      await addText({ title: text(form, "title"), text: text(form, "text"), kind });
      keepDraft(draft, "");
      onClose();
    });
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
        <Wrong>{otherThan("title", "text", "file")}</Wrong>
        <FormActions busy={busy} action="Add" onCancel={onClose} />
      </form>
    </Dialog>
  );
}
