import "./Dialog.css";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Button, IconButton } from "./Button";

type DialogProps = {
  title: string;
  about?: ReactNode;
  /** Called when it has gone: unmount it then. */
  onClose: () => void;
  wide?: boolean;
  children: ReactNode;
};

/** A dialog that is open as long as it is rendered. Heavy: load it, and what is in it, with `lazy`. */
export function Dialog({ title, about, onClose, wide = false, children }: DialogProps) {
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="dialog-backdrop" />
        <Base.Popup className={wide ? "dialog dialog-wide" : "dialog"}>
          <header className="dialog-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close render={<IconButton label="Close" icon={<X />} />} />
          </header>
          {about && <Base.Description className="dialog-about">{about}</Base.Description>}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** The row of buttons at a dialog's foot. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="dialog-actions">{children}</div>;
}

type FormActionsProps = { busy: boolean; action?: string; onCancel: () => void };

/** Those of a form. */
export function FormActions({ busy, action = "Save", onCancel }: FormActionsProps) {
  return (
    <DialogActions>
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" look="primary" busy={busy}>
        {action}
      </Button>
    </DialogActions>
  );
}
