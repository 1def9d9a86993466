import { ChevronLeft, ChevronRight, MessageCircle } from "lucide-react";
import { useRef, useState, type KeyboardEvent } from "react";
import { useUser } from "../session/session";
import { Markdown } from "../talk/Markdown";
import { useTouchSwipe } from "../talk/swiping";
import { Button, IconButton } from "../ui/Button";
import { named } from "./names";

type GreetingsProps = {
  greetings: { text: string; index: number }[];
  name: string;
  onTalk: (greeting: number) => Promise<void>;
};

const STEPS: Record<string, -1 | 1> = { ArrowLeft: -1, ArrowRight: 1 };
const MARKDOWN_MOST = 20_000;

/** What somebody says first, to be leafed through by finger, arrow keys or button; one talks on from the one that is seen. */
export function Greetings({ greetings, name, onTalk }: GreetingsProps) {
  const [at, setAt] = useState(0);
  const [busy, setBusy] = useState(false);
  const { display_name: user } = useUser();
  const here = useRef<HTMLElement>(null);
  const many = greetings.length > 1;
  const shown = greetings[Math.min(at, greetings.length - 1)];

  function step(by: -1 | 1) {
    if (many) setAt((at + by + greetings.length) % greetings.length);
  }
  useTouchSwipe(here, step);

  function onKeyDown(event: KeyboardEvent) {
    const by = STEPS[event.key];
    if (!by || !many || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(by);
  }

  async function talk() {
    setBusy(true);
    await onTalk(shown?.index ?? 0);
    setBusy(false);
  }

  const place = `${Math.min(at, greetings.length - 1) + 1} / ${greetings.length}`;
  return (
    // The arrow keys are for what is inside: the buttons, and the text that takes the focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section ref={here} className="greetings" aria-label="Greetings" onKeyDown={onKeyDown}>
      {shown && (
        <>
          <div className="greetings-head">
            <h2>{many ? "Ways to begin" : "How it begins"}</h2>
            {many && (
              <>
                <IconButton label="Previous greeting" icon={<ChevronLeft />} onClick={() => step(-1)} />
                <span className="greetings-place" aria-hidden="true">
                  {place}
                </span>
                <IconButton label="Next greeting" icon={<ChevronRight />} onClick={() => step(1)} />
              </>
            )}
          </div>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and hears the arrow keys */}
          <div className="greeting" role="group" aria-label={many ? `Greeting ${place}` : "Greeting"} tabIndex={0}>
            <Greeting key={shown.index} text={named(shown.text, name, user)} />
          </div>
          <p className="visually-hidden" role="status">
            {many && at > 0 ? `Greeting ${place}` : ""}
          </p>
        </>
      )}
      <Button look="primary" className="greetings-talk" busy={busy} onClick={talk}>
        <MessageCircle size={18} /> {many ? "Talk from here" : "Talk"}
      </Button>
    </section>
  );
}

function Greeting({ text }: { text: string }) {
  if (text.length <= MARKDOWN_MOST) return <Markdown text={text} />;
  return (
    <p className="person-plain" dir="auto">
      {text}
    </p>
  );
}
