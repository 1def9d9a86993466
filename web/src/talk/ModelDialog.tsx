import { useState, type SubmitEvent } from "react";
import { ModelFields, type ModelSettings } from "../characters/ModelFields";
import { Dialog, FormActions } from "../ui/Dialog";
import { useAttempt } from "../ui/useAttempt";
import { Wrong } from "../ui/Wrong";
import { useChange, type Conversation } from "./conversation";

/** Which model answers in this conversation, and how freely. */
export default function ModelDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const change = useChange(conversation.id);
  const { busy, attempt, fields: wrong, otherThan } = useAttempt();
  const [changes, setChanges] = useState<Partial<ModelSettings>>({});

  async function save(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const { stop } = changes;
    // None at all is another thing than those of the character, and stays what it was.
    const blank = conversation.stop?.length === 0 ? [] : null;
    await attempt(async () => {
      await change({ ...changes, ...(stop && { stop: stop.length > 0 ? stop : blank }) });
      onClose();
    });
  }

  return (
    <Dialog
      title="The model"
      about={`What is left blank is as ${conversation.character_name} has it. It holds from the next answer on.`}
      onClose={onClose}
    >
      <form className="dialog-form" onSubmit={(event) => void save(event)}>
        <ModelFields
          values={{ ...conversation, ...changes }}
          otherwise="As the character has it"
          wrong={wrong}
          onChange={(patch) => setChanges({ ...changes, ...patch })}
        />
        <Wrong>{otherThan("model", "temperature", "top_p", "max_tokens", "stop")}</Wrong>
        <FormActions busy={busy} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
