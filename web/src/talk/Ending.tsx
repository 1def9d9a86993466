import { CirclePause, CircleSlash, RefreshCw, TriangleAlert } from "lucide-react";
import { Button } from "../ui/Button";
import { textOf, type TalkMessage } from "./messages";
import { Countdown } from "./Notices";
import type { Talk } from "./talk";

type EndingProps = { talk: Talk; message: TalkMessage; last: boolean; idle: boolean; answers: boolean; name: string };

/** How a message ended, where it did not end well, and what to do about it. */
export function Ending({ talk, message, last, idle, answers, name }: EndingProps) {
  const { status, error } = message.metadata ?? {};
  const { busyFor } = talk.state();
  const can = last && idle && answers;
  const anew = (label: string) =>
    can && (
      <Button onClick={() => void talk.regenerate(message.id)}>
        <RefreshCw /> {label}
      </Button>
    );
  const more = can && textOf(message) !== "" && (
    <Button look="quiet" onClick={() => void talk.goOn()}>
      Go on
    </Button>
  );
  if (message.role === "user") {
    if (!can || !message.metadata) return null;
    return (
      <div className="ending">
        <p>{name} has not answered this.</p>
        {anew("Have it answered")}
      </div>
    );
  }
  if (status === "stopped")
    return (
      <div className="ending">
        <CirclePause />
        <p>Stopped here.</p>
        {more}
      </div>
    );
  if (status === "interrupted")
    return (
      <div className="ending ending-warn">
        <CircleSlash />
        <p>This was cut short: the server went down while it was written.</p>
        {anew("Answer anew")}
        {more}
      </div>
    );
  if (status === "failed")
    return (
      <div className="ending ending-danger">
        <TriangleAlert />
        {last && busyFor?.message === message.id ? (
          <p>
            The model is busy. <Countdown seconds={busyFor.seconds} />
          </p>
        ) : (
          <p>{error?.detail ?? "This answer failed."}</p>
        )}
        {anew("Try again")}
        {more}
      </div>
    );
  return null;
}
