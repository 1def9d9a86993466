import { TextArea, TextField } from "../ui/Field";
import type { Card } from "./card";
import { useEditing } from "./editing";

type TextName = {
  [Name in keyof Card]: Card[Name] extends string ? Name : never;
}[keyof Card];

type CardFieldProps = { name: Exclude<TextName, "visibility">; label: string; hint?: string; placeholder?: string };

/** A line of the card. */
export function CardLine({ name, max, ...rest }: CardFieldProps & { max: number }) {
  const { card, set, wrong } = useEditing();
  return (
    <TextField
      name={name}
      value={card[name]}
      maxLength={max}
      error={wrong[name]}
      dir="auto"
      onChange={({ target }) => set({ [name]: target.value })}
      {...rest}
    />
  );
}

/** A text of the card. */
export function CardText({ name, ...rest }: CardFieldProps) {
  const { card, set, wrong } = useEditing();
  return (
    <TextArea
      name={name}
      value={card[name]}
      error={wrong[name]}
      dir="auto"
      onChange={({ target }) => set({ [name]: target.value })}
      {...rest}
    />
  );
}
