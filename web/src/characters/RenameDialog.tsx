import type { SubmitEvent } from "react";
import { text } from "../session/SignIn";
import { Dialog, FormActions } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { useAttempt } from "../ui/useAttempt";
import { useKnowledge, type Document } from "./knowledge";

type RenameDialogProps = { character: string; document: Document; onClose: () => void };

export default function RenameDialog({ character, document, onClose }: RenameDialogProps) {
  const { rename } = useKnowledge(character);
  const { busy, attempt, otherThan } = useAttempt();

  async function save(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const title = text(new FormData(event.currentTarget), "title");
    await attempt(async () => {
      await rename(document.id, title);
      onClose();
    });
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
          error={otherThan() ?? undefined}
        />
        <FormActions busy={busy} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
