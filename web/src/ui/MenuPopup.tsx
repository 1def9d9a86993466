import "./Menu.css";
import { Menu as Base } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import { Fragment, useRef, type RefObject } from "react";
import type { MenuItem } from "./Menu";

type MenuPopupProps = {
  label: string;
  groups: MenuItem[][];
  /** The landmark that it belongs to. */
  within: HTMLElement | null;
  anchor: RefObject<HTMLButtonElement | null>;
  open: boolean;
  onClose: () => void;
};

export default function MenuPopup({ label, groups, within, anchor, open, onClose }: MenuPopupProps) {
  const chosen = useRef(false);
  // First back to the button: what is chosen may take the focus from there, and shall keep it.
  const choose = (act: () => void) => {
    chosen.current = true;
    anchor.current?.focus();
    act();
  };
  const onOpenChange = (open: boolean) => {
    if (!open) onClose();
  };
  return (
    <Base.Root open={open} onOpenChange={onOpenChange} onOpenChangeComplete={(open) => (chosen.current &&= !open)}>
      {/* Within what it belongs to: who goes by landmarks finds it there, and it lives and is inert with it. */}
      <Base.Portal container={within}>
        <Base.Positioner anchor={anchor} align="end" sideOffset={6} collisionPadding={8} className="menu-place">
          <Base.Popup className="menu" aria-label={label} finalFocus={() => (chosen.current ? false : anchor.current)}>
            {groups.map((items, index) => (
              <Fragment key={index}>
                {index > 0 && <Base.Separator className="menu-line" />}
                {items.map((item) => (
                  <Item key={item.label} item={item} choose={choose} />
                ))}
              </Fragment>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Item({ item, choose }: { item: MenuItem; choose: (act: () => void) => void }) {
  const name = item.danger ? "menu-item menu-item-danger" : "menu-item";
  const inside = (
    <>
      {item.icon}
      <span>{item.label}</span>
    </>
  );
  if ("href" in item)
    return (
      <Base.LinkItem className={name} href={item.href} closeOnClick {...(item.download && { download: "" })}>
        {inside}
      </Base.LinkItem>
    );
  if (item.checked !== undefined)
    return (
      <Base.CheckboxItem
        className={name}
        checked={item.checked}
        onCheckedChange={() => choose(item.onSelect)}
        closeOnClick
      >
        {inside}
        <Base.CheckboxItemIndicator className="menu-tick">
          <Check />
        </Base.CheckboxItemIndicator>
      </Base.CheckboxItem>
    );
  return (
    <Base.Item className={name} onClick={() => choose(item.onSelect)}>
      {inside}
    </Base.Item>
  );
}
