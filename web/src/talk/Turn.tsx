import "./Turn.css";
import { memo, useRef, useState } from "react";
import { told } from "../api/refusal";
import { Avatar } from "../ui/Avatar";
import { toast } from "../ui/toasts";
import { editOf, keepEdit } from "./drafts";
import { EditTurn } from "./EditTurn";
import { Ending } from "./Ending";
import { textOf, type TalkMessage } from "./messages";
import { Parts } from "./Parts";
import { swipe, useTouchSwipe } from "./swiping";
import type { Talk } from "./talk";
import { TurnTools } from "./TurnTools";

type TurnProps = {
  talk: Talk;
  message: TalkMessage;
  name: string;
  avatar: string | null;
  last: boolean;
  /** Nothing is being written: it can be changed. */
  idle: boolean;
  /** The character is there, to have something made anew. */
  answers: boolean;
  found: boolean;
  /** Chosen to be edited: each time another object. */
  chosen: { id: string } | null;
};

/** One message: who said it, what was said, what became of it, and what one can do with it. */
export const Turn = memo(function Turn({ talk, message, name, avatar, last, idle, answers, found, chosen }: TurnProps) {
  // One that was being edited when it left the sight, or the page was left, is so still.
  const [editing, setEditing] = useState<string | null>(() => (editOf(message.id) ? message.id : null));
  const [seen, setSeen] = useState(chosen);
  if (chosen !== seen) {
    setSeen(chosen);
    if (chosen && idle) setEditing(chosen.id);
  }
  const here = useRef<HTMLElement>(null);
  const written = last && !idle && message.role === "assistant";
  useTouchSwipe(here, (by) => void swipe(talk, message, by, last && answers));

  function endEdit() {
    keepEdit(message.id, "");
    setEditing(null);
    here.current?.focus();
  }

  async function save(text: string) {
    try {
      if (message.role === "user") {
        endEdit();
        // What does not arrive goes to where one types.
        await talk.sayInstead(message.id, text);
      } else {
        await talk.change(message.id, { content: text });
        endEdit();
      }
    } catch (error) {
      toast(told(error), "danger");
    }
  }

  const tools = <TurnTools {...{ talk, message, last, idle, answers }} onEdit={() => setEditing(message.id)} />;
  // Swiped to another version, which is not the one that was being edited.
  const edits = editing === message.id;
  if (message.role === "system")
    return (
      <article className="turn turn-system" aria-label="Direction">
        <Parts message={message} />
        {tools}
      </article>
    );
  const ours = message.role === "user";
  const empty = message.parts.every(({ type }) => type === "step-start");
  return (
    <article
      ref={here}
      className={`turn turn-${message.role} ${last ? "turn-last" : ""} ${found ? "turn-found" : ""}`}
      aria-label={ours ? "You" : name}
      aria-busy={written}
      tabIndex={-1}
    >
      {!ours && <Avatar name={name} src={avatar} />}
      <div className="turn-body">
        {!ours && (
          <p className="turn-name">
            <bdi>{name}</bdi>
          </p>
        )}
        {edits ? (
          <EditTurn
            id={message.id}
            text={textOf(message)}
            label={ours ? "What you say instead" : `What ${name} said`}
            action={ours ? "Say this instead" : "Save"}
            onSave={(text) => void save(text)}
            onCancel={endEdit}
          />
        ) : (
          (written || !empty) && (
            <div className="turn-said" data-writing={written}>
              <Parts message={message} />
              {written && empty && <Dots />}
            </div>
          )
        )}
        <Ending {...{ talk, message, last, idle, answers, name }} />
        {tools}
      </div>
    </article>
  );
});

/** Stands where an answer will. */
export function Waiting({ name, avatar }: { name: string; avatar: string | null }) {
  return (
    <article className="turn turn-assistant turn-last" aria-label={name} aria-busy="true">
      <Avatar name={name} src={avatar} />
      <div className="turn-body">
        <p className="turn-name">
          <bdi>{name}</bdi>
        </p>
        <div className="turn-said">
          <Dots />
        </div>
        <div className="turn-tools" />
      </div>
    </article>
  );
}

function Dots() {
  return (
    <p className="dots">
      <span className="visually-hidden">An answer is being written…</span>
      <i />
      <i />
      <i />
    </p>
  );
}
