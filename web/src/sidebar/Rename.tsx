import "../ui/Field.css";
import { useRef, useState, type KeyboardEvent } from "react";

type RenameProps = { title: string; placeholder: string; onDone: (title: string | null) => void };

/** A title that is being typed: Enter or going elsewhere keeps it, Escape does not (null). */
export function Rename({ title, placeholder, onDone }: RenameProps) {
  const [text, setText] = useState(title);
  const done = useRef(false);

  function end(next: string | null) {
    // What goes from the page loses the focus: that is no second answer.
    if (done.current) return;
    done.current = true;
    onDone(next);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) end(text.trim());
    else if (event.key === "Escape") end(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <input
      className="field-control row-rename"
      aria-label="Title of the conversation"
      placeholder={placeholder}
      maxLength={200}
      value={text}
      dir="auto"
      ref={focused}
      onChange={({ target }) => setText(target.value)}
      onKeyDown={onKeyDown}
      onBlur={() => end(text.trim())}
    />
  );
}

function focused(input: HTMLInputElement | null) {
  input?.focus();
  input?.select();
}
