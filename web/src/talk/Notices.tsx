import "./Notices.css";
import { CloudOff, X } from "lucide-react";
import { useEffect, useState } from "react";
import { Refusal, told } from "../api/refusal";
import { IconButton } from "../ui/Button";

type NoticesProps = { down: boolean; problem: unknown; onDismiss: () => void };

/** What stands over the composer: that there is no line, or what was refused. */
export function Notices({ down, problem, onDismiss }: NoticesProps) {
  return (
    <div className="notices">
      <div role="status">
        {down && (
          <p className="notice">
            <CloudOff /> No connection. Trying again; nothing is lost.
          </p>
        )}
      </div>
      <div role="alert">
        {problem !== null && (
          <div className="notice notice-danger">
            <p>
              {told(problem)} <When problem={problem} />
            </p>
            <IconButton small label="Dismiss" icon={<X />} onClick={onDismiss} />
          </div>
        )}
      </div>
    </div>
  );
}

/** When to try again, where the server says so. */
function When({ problem }: { problem: unknown }) {
  const wait = problem instanceof Refusal ? problem.retryAfter : null;
  return wait === null ? null : <Countdown key={String(problem)} seconds={wait} />;
}

/** `since`: from when the seconds count; from now where it is left out. */
export function Countdown({ seconds, since }: { seconds: number; since?: string | undefined }) {
  const [end] = useState(() => (since ? Date.parse(since) : Date.now()) + seconds * 1000);
  const [left, setLeft] = useState(() => secondsTo(end));
  useEffect(() => {
    const timer = window.setInterval(() => setLeft(secondsTo(end)), 1000);
    return () => window.clearInterval(timer);
  }, [end]);
  return <span>{left > 0 ? `Try again in ${left} s.` : "Try again now."}</span>;
}

function secondsTo(end: number): number {
  return Math.max(0, Math.ceil((end - Date.now()) / 1000));
}
