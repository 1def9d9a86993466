import type { SubmitEvent } from "react";
import { text } from "../session/SignIn";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { TextArea, TextField } from "../ui/Field";
import { useAttempt } from "../ui/useAttempt";
import { Wrong } from "../ui/Wrong";
import { useChange, type Conversation } from "./conversation";

/** Who the user is here, and what this conversation is about. */
export default function SceneDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const change = useChange(conversation.id);
  const { busy, attempt, fields: wrong, otherThan } = useAttempt();
  const { character_name: name } = conversation;

  async function save(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    await attempt(async () => {
      await change({
        persona_name: text(form, "persona_name"),
        persona_description: text(form, "persona_description"),
        topic: text(form, "topic"),
      });
      onClose();
    });
  }

  return (
    <Dialog title="The scene" about={`${name} is told this in every turn of this conversation.`} onClose={onClose}>
      <form className="dialog-form" onSubmit={(event) => void save(event)}>
        <TextField
          label="Who you are here"
          name="persona_name"
          placeholder="Your own name"
          maxLength={100}
          defaultValue={conversation.persona_name}
          error={wrong["persona_name"]}
        />
        <TextArea
          label="What there is to know of you"
          name="persona_description"
          maxLength={20_000}
          defaultValue={conversation.persona_description}
          error={wrong["persona_description"]}
        />
        <TextArea
          label="What this conversation is about"
          name="topic"
          maxLength={20_000}
          defaultValue={conversation.topic}
          error={wrong["topic"]}
        />
        <Wrong>{otherThan("persona_name", "persona_description", "topic")}</Wrong>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
