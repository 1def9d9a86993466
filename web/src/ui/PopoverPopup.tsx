import { Popover as Base } from "@base-ui/react/popover";
import type { ReactNode, RefObject } from "react";

type PopoverPopupProps = {
  title: string;
  anchor: RefObject<HTMLButtonElement | null>;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
};

export default function PopoverPopup({ title, anchor, open, onClose, children }: PopoverPopupProps) {
  return (
    <Base.Root open={open} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Positioner
          anchor={anchor}
          side="top"
          align="start"
          sideOffset={6}
          collisionPadding={8}
          className="popover-place"
        >
          <Base.Popup className="popover" finalFocus={anchor}>
            <Base.Title className="popover-title">{title}</Base.Title>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
