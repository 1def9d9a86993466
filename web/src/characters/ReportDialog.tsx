import type { SubmitEvent } from "react";
import { answer, api, type Schemas } from "../api/client";
import { text } from "../session/SignIn";
import { Dialog, FormActions } from "../ui/Dialog";
import { SelectField, TextArea } from "../ui/Field";
import { toast } from "../ui/toasts";
import { useAttempt } from "../ui/useAttempt";
import { Wrong } from "../ui/Wrong";
import type { Character } from "./list";
import { called } from "./names";

type Reason = Schemas["ReasonEnum"];

const REASONS: [Reason, string][] = [
  ["illegal", "It is against the law"],
  ["minors", "It sexualises minors"],
  ["real_person", "It is a real person, who did not agree"],
  ["hate", "It spreads hate"],
  ["copyright", "It is somebody else’s work"],
  ["spam", "It is advertising"],
  ["other", "Something else"],
];

/** Tells the staff of a public character of somebody else's. */
export default function ReportDialog({ character, onClose }: { character: Character; onClose: () => void }) {
  const { busy, attempt, fields: wrong, otherThan } = useAttempt();

  async function send(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = { reason: text(form, "reason") as Reason, details: text(form, "details") };
    await attempt(async () => {
      await answer(api.POST("/api/characters/{id}/report/", { params: { path: { id: character.id } }, body }));
      toast("Thank you. The staff will look at it.");
      onClose();
    });
  }

  return (
    <Dialog title={`Report ${called(character.name)}`} about="The staff see it, and that it was you." onClose={onClose}>
      <form className="dialog-form" onSubmit={(event) => void send(event)}>
        <SelectField label="What is wrong with it" name="reason" error={wrong["reason"]}>
          {REASONS.map(([reason, label]) => (
            <option key={reason} value={reason}>
              {label}
            </option>
          ))}
        </SelectField>
        <TextArea label="More about it" name="details" maxLength={2_000} error={wrong["details"]} />
        <Wrong>{otherThan("reason", "details")}</Wrong>
        <FormActions busy={busy} action="Report" onCancel={onClose} />
      </form>
    </Dialog>
  );
}
