import type { ReactNode } from "react";
import { useDrawer } from "./drawer";
import { DrawerButton } from "./Shell";
import { usePageTitle } from "./usePageTitle";

type ScreenProps = { title: string; actions?: ReactNode; children: ReactNode };

/** A screen that is read from its top: a heading and what is under it. The talk has a frame of its own. */
export function Screen({ title, actions, children }: ScreenProps) {
  usePageTitle(title);
  return (
    <div className="screen">
      <header className="screen-head">
        <DrawerButton open={useDrawer()} />
        <h1>{title}</h1>
        {actions && <div className="screen-actions">{actions}</div>}
      </header>
      <div className="screen-body">{children}</div>
    </div>
  );
}
