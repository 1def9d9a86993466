import { useState, type SubmitEvent } from "react";
import { told } from "../api/refusal";
import { text } from "../session/SignIn";
import { Dialog, FormActions } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { useKnowledge, type Document } from "./knowledge";

type RenameDialogProps = { character: string; document: Document; onClose: () => void };

export default function RenameDialog({ character, document, onClose }: RenameDialogProps) {
  const { rename } = useKnowledge(character);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function save(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const title = text(new FormData(event.currentTarget), "title");
    setBusy(true);
    try {
      await rename(document.id, title);
      onClose();
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  }

  return (
    <Dialog title="Rename the text" onClose={onClose}>
      <form className="dialog-form" onSubmit={(event) => void save(event)}>
        <TextField
          label="Title"
          name="title"
          required
          maxLength={200}
          dir="auto"
          defaultValue={document.title}
          error={error === null ? undefined : told(error)}
        />
        <FormActions busy={busy} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
