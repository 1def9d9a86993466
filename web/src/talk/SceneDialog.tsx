import { useState, type SubmitEvent } from "react";
import { Dialog, FormActions } from "../ui/Dialog";
import { TextArea, TextField } from "../ui/Field";
import { useAttempt } from "../ui/useAttempt";
import { Wrong } from "../ui/Wrong";
import { useChange, type Conversation } from "./conversation";
import { keepScene, sceneOf, type Scene } from "./drafts";

const NAMES = ["persona_name", "persona_description", "topic"] as const;

/** Who the user is here, and what this conversation is about. What was written is there again until it is saved, or
 * cancelled. */
export default function SceneDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { id, character_name: name } = conversation;
  const change = useChange(id);
  const { busy, attempt, fields: wrong, otherThan } = useAttempt();
  const [written, setWritten] = useState(() => sceneOf(id));
  const [restored] = useState(() => NAMES.some((each) => (written[each] ?? conversation[each]) !== conversation[each]));

  function write(patch: Partial<Scene>) {
    const all = { ...written, ...patch };
    // What is as it is saved is nothing that was written.
    const names = NAMES.filter((each) => all[each] !== undefined && all[each] !== conversation[each]);
    const next: Partial<Scene> = Object.fromEntries(names.map((each) => [each, all[each]]));
    setWritten(next);
    keepScene(id, next);
  }

  function drop() {
    keepScene(id, {});
    onClose();
  }

  async function save(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    await attempt(async () => {
      await change(written);
      drop();
    });
  }

  const field = (each: keyof Scene) => ({
    name: each,
    value: written[each] ?? conversation[each],
    error: wrong[each],
    onChange: ({ target }: { target: { value: string } }) => write({ [each]: target.value }),
  });
  return (
    <Dialog title="The scene" about={`${name} is told this in every turn of this conversation.`} onClose={onClose}>
      <form className="dialog-form" onSubmit={(event) => void save(event)}>
        {restored && <p className="field-hint">This has changes of yours that were not saved.</p>}
        <TextField label="Who you are here" placeholder="Your own name" maxLength={100} {...field("persona_name")} />
        <TextArea label="What there is to know of you" maxLength={20_000} {...field("persona_description")} />
        <TextArea label="What this conversation is about" maxLength={20_000} {...field("topic")} />
        <Wrong>{otherThan(...NAMES)}</Wrong>
        <FormActions busy={busy} onCancel={drop} />
      </form>
    </Dialog>
  );
}
