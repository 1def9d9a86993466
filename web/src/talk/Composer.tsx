import "./Composer.css";
import { ArrowUp, Square } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { IconButton } from "../ui/Button";
import { draftOf, keepDraft, type Sent } from "./drafts";
import type { Talk } from "./talk";

const TOUCH = window.matchMedia("(pointer: coarse)");
const LONGEST = 200_000;

type ComposerProps = {
  talk: Talk;
  name: string;
  busy: boolean;
  /** What was sent and did not arrive. */
  returned: Sent | null;
  onEditLast: () => void;
};

/** Where one writes. What stands in it survives a reload, and comes back when it could not be sent. */
export function Composer({ talk, name, busy, returned, onEditLast }: ComposerProps) {
  const { id } = talk;
  const [text, setText] = useState(() => draftOf(id));
  const [taken, setTaken] = useState<Sent | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  if (returned && returned !== taken) {
    setTaken(returned);
    setText(text.trim() ? `${returned.text}\n\n${text}` : returned.text);
  }

  useEffect(() => keepDraft(id, text), [id, text]);
  // On a touch screen the keyboard would cover what one came to read.
  useEffect(() => {
    if (!TOUCH.matches) area.current?.focus();
  }, []);
  useEffect(() => {
    const { current } = area;
    if (!current || CSS.supports("field-sizing", "content")) return;
    current.style.height = "auto";
    current.style.height = `${current.scrollHeight}px`;
  }, [text]);

  function send() {
    if (busy || !text.trim()) return;
    setText("");
    void talk.send(text);
    area.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (!event.shiftKey && !TOUCH.matches))) send();
    else if (event.key === "ArrowUp" && text === "" && !busy) onEditLast();
    else return;
    event.preventDefault();
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="composer-box">
        <textarea
          ref={area}
          className="composer-text"
          aria-label={`Say something to ${name}`}
          placeholder={`Say something to ${name}`}
          dir="auto"
          rows={1}
          maxLength={LONGEST}
          value={text}
          onChange={({ target }) => setText(target.value)}
          onKeyDown={onKeyDown}
        />
        {busy ? (
          <IconButton
            className="composer-button"
            label="Stop (Escape)"
            icon={<Square fill="currentColor" />}
            onClick={() => void talk.stop()}
          />
        ) : (
          <IconButton
            className="composer-button"
            type="submit"
            label="Send"
            icon={<ArrowUp />}
            disabled={!text.trim()}
          />
        )}
      </div>
    </form>
  );
}
