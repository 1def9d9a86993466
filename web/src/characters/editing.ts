import { createContext, use } from "react";
import type { Card } from "./card";
import type { Patch } from "./draft";
import type { Character } from "./list";

/** What the parts of the editor share. */
export type Editing = {
  /** As it is saved; null as long as it is not. */
  character: Character | null;
  card: Card;
  /** The picture that was chosen; blank where it is to be taken away. */
  picture: string | undefined;
  set: (patch: Patch) => void;
  dirty: boolean;
  /** Whether all that was changed would survive a reload. */
  kept: boolean;
  /** What was refused and why, by the field's name. */
  wrong: Record<string, string>;
  busy: boolean;
  /** Saves, and tells whether that went well. */
  save: () => Promise<boolean>;
  /** Takes what the server answered as what is saved, as after an import. */
  adopt: (character: Character) => Promise<void>;
};

export const EditingContext = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = use(EditingContext);
  if (!editing) throw new Error("Nothing is being edited here.");
  return editing;
}
