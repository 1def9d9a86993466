import { useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useEffect, useEffectEvent, useRef } from "react";
import { Link, useLocation } from "wouter";
import { IconButton } from "../ui/Button";
import { forgetCards, type CardFile } from "./importing";

/** Where one writes: nobody is taken away from there. */
const AT_WORK = /^\/(c\/|characters\/(new|[^/]+\/edit))/;

/** What becomes of card files: how far it is, what came in, what was refused and why. */
export default function ImportPanel({ cards }: { cards: CardFile[] }) {
  const client = useQueryClient();
  const [place, navigate] = useLocation();
  const began = useRef(place);
  const done = cards.filter(({ state }) => state === "here" || state === "refused").length;
  const ended = done === cards.length;

  const onEnd = useEffectEvent(() => {
    void client.invalidateQueries({ queryKey: ["characters"] });
    const only = cards.length === 1 ? cards[0] : undefined;
    if (only?.state !== "here") return;
    const { warnings, ...character } = only.character;
    client.setQueryData(["character", character.id], character);
    if (place !== began.current || AT_WORK.test(place)) return;
    navigate(`/characters/${character.id}`);
    if (warnings.length === 0) forgetCards();
  });
  useEffect(() => {
    if (ended) onEnd();
  }, [ended]);

  return (
    <section className="imports" aria-label="Cards that are brought in">
      <header className="imports-head">
        <div role="status">
          <h2>
            {ended
              ? outcome(cards)
              : `Bringing in ${cards.length === 1 ? "a card" : `${done + 1} of ${cards.length}`}…`}
          </h2>
        </div>
        {ended && <IconButton small label="Dismiss" icon={<X />} onClick={forgetCards} />}
      </header>
      {!ended && <progress aria-label="Cards read" {...(cards.length > 1 && { max: cards.length, value: done })} />}
      <ul role="list" className="imports-list">
        {cards.map((card) => (
          <li key={card.id} className={`import import-${card.state}`}>
            <Became card={card} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Became({ card }: { card: CardFile }) {
  switch (card.state) {
    case "waiting":
    case "reading":
      return <span dir="auto">{card.file.name}</span>;
    case "refused":
      return (
        <>
          <CircleAlert aria-hidden="true" />
          <div>
            <strong dir="auto">{card.file.name}</strong>
            <p>{card.why}</p>
          </div>
        </>
      );
    case "here":
      return (
        <>
          <CircleCheck aria-hidden="true" />
          <div>
            <Link href={`/characters/${card.character.id}`} dir="auto">
              {card.character.name}
            </Link>
            {card.character.warnings.length > 0 && (
              <ul className="import-warnings" aria-label="What was changed or left out">
                {card.character.warnings.map((warning, index) => (
                  <li key={index}>{warning}</li>
                ))}
              </ul>
            )}
          </div>
        </>
      );
  }
}

function outcome(cards: CardFile[]): string {
  const here = cards.filter(({ state }) => state === "here").length;
  const refused = cards.length - here;
  if (here === 0) return refused === 1 ? "This is no card" : "None of these could be read";
  const came = here === 1 ? "One character came in" : `${here} characters came in`;
  return refused ? `${came}, ${refused} could not be read` : came;
}
