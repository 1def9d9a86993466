import { useState } from "react";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";

type LeaveDialogProps = {
  kept: boolean;
  onStay: () => void;
  onLeave: () => void;
  onDiscard: () => void;
  onSave: () => Promise<void>;
};

/** What becomes of changes when one leaves them. */
export default function LeaveDialog({ kept, onStay, onLeave, onDiscard, onSave }: LeaveDialogProps) {
  const [busy, setBusy] = useState(false);
  return (
    <Dialog
      title="Leave without saving?"
      about={
        kept
          ? "What you changed can stay on this device as a draft, for when you come back."
          : "What you changed is too much to be kept on this device: it would be lost in part."
      }
      onClose={onStay}
    >
      <DialogActions>
        <Button look="danger" onClick={onDiscard}>
          Discard
        </Button>
        <Button onClick={onLeave}>{kept ? "Keep the draft" : "Leave"}</Button>
        <Button
          look="primary"
          busy={busy}
          onClick={async () => {
            setBusy(true);
            await onSave();
          }}
        >
          Save
        </Button>
      </DialogActions>
    </Dialog>
  );
}
