import {
  ChevronLeft,
  ChevronRight,
  Copy,
  Ellipsis,
  GitFork,
  Pencil,
  RefreshCw,
  StepForward,
  ThumbsDown,
  ThumbsUp,
  Trash2,
} from "lucide-react";
import { useLocation } from "wouter";
import { answer, api } from "../api/client";
import { told } from "../api/refusal";
import { IconButton } from "../ui/Button";
import { Menu, type MenuItem } from "../ui/Menu";
import { toast } from "../ui/toasts";
import { isGreeting, textOf, type TalkMessage } from "./messages";
import { placeOf, swipe } from "./swiping";
import type { Talk } from "./talk";

type TurnToolsProps = {
  talk: Talk;
  message: TalkMessage;
  last: boolean;
  idle: boolean;
  answers: boolean;
  onEdit: () => void;
};

/** The row under a message. It is there before the message has ended, so that nothing moves when it does. */
export function TurnTools({ talk, message, last, idle, answers, onEdit }: TurnToolsProps) {
  const [, navigate] = useLocation();
  const saved = message.metadata;
  if (!saved || (last && !idle)) return <div className="turn-tools" />;
  const ours = message.role === "user";
  const said = message.role === "assistant";
  const words = textOf(message) !== "";

  async function attempt(what: () => Promise<unknown>) {
    try {
      await what();
    } catch (error) {
      toast(told(error), "danger");
    }
  }

  const rate = (rating: 1 | -1) =>
    void attempt(() => talk.change(message.id, { rating: saved.rating === rating ? null : rating }));
  const copy = () => void attempt(() => copied(textOf(message)));
  const fork = async () => {
    const made = await answer(
      api.POST("/api/conversations/{id}/fork/", { params: { path: { id: talk.id } }, body: { message: message.id } }),
    );
    navigate(`/c/${made.id}`);
    toast("A conversation of its own, up to here.");
  };
  const changes: MenuItem[] = [
    ...(said ? [{ label: "Edit the text", icon: <Pencil />, onSelect: onEdit }] : []),
    ...(said && last && answers && words
      ? [{ label: "Go on", icon: <StepForward />, onSelect: () => void talk.goOn() }]
      : []),
    { label: "Fork here", icon: <GitFork />, onSelect: () => void attempt(fork) },
  ];
  return (
    <div className="turn-tools" role="group" aria-label="What to do with this message">
      <Versions {...{ talk, message, last: last && answers, idle }} />
      {ours && answers && (
        <IconButton small label="Say something else instead" icon={<Pencil />} disabled={!idle} onClick={onEdit} />
      )}
      {words && <IconButton small label="Copy" icon={<Copy />} onClick={copy} />}
      {said && answers && !isGreeting(message) && (
        <IconButton
          small
          label="Another answer"
          icon={<RefreshCw />}
          disabled={!idle}
          onClick={() => void talk.regenerate(message.id)}
        />
      )}
      {said && words && (
        <>
          <IconButton
            small
            label="Good answer"
            icon={<ThumbsUp />}
            aria-pressed={saved.rating === 1}
            disabled={!idle}
            onClick={() => rate(1)}
          />
          <IconButton
            small
            label="Bad answer"
            icon={<ThumbsDown />}
            aria-pressed={saved.rating === -1}
            disabled={!idle}
            onClick={() => rate(-1)}
          />
        </>
      )}
      {idle && (
        <Menu
          small
          label="More"
          icon={<Ellipsis />}
          groups={[
            changes,
            [{ label: "Delete from here", icon: <Trash2 />, danger: true, onSelect: () => talk.remove(message.id) }],
          ]}
        />
      )}
    </div>
  );
}

function Versions({ talk, message, last, idle }: { talk: Talk; message: TalkMessage; last: boolean; idle: boolean }) {
  const place = placeOf(message);
  if (!place) return null;
  const more = place.at < place.of;
  const another = !more && last && message.role === "assistant" && !isGreeting(message);
  return (
    <div className="turn-versions" role="group" aria-label="Versions">
      <IconButton
        small
        label="The version before"
        icon={<ChevronLeft />}
        disabled={!idle || place.at === 1}
        onClick={() => void swipe(talk, message, -1, last)}
      />
      <span aria-live="polite">
        <span className="visually-hidden">Version </span>
        {place.at}/{place.of}
      </span>
      <IconButton
        small
        label={another ? "Another answer" : "The next version"}
        icon={<ChevronRight />}
        disabled={!idle || (!more && !another)}
        onClick={() => void swipe(talk, message, 1, last)}
      />
    </div>
  );
}

/** The clipboard wants a page that came safely; elsewhere a selection does. */
async function copied(text: string) {
  if (window.isSecureContext) await navigator.clipboard.writeText(text);
  else {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is nothing else over plain HTTP
    document.execCommand("copy");
    area.remove();
  }
  toast("Copied.");
}
