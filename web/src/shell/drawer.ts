import { createContext, use } from "react";

export const DrawerContext = createContext<(() => void) | null>(null);

/** What opens the drawer; null where the side bar is always there. */
export function useDrawer() {
  return use(DrawerContext);
}
