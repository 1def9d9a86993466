import "./Sidebar.css";
import { ListFilter, Plus, Search, Settings, Users, X } from "lucide-react";
import { lazy, useState, type ReactNode } from "react";
import { Link, useRoute } from "wouter";
import { Fetched } from "../ui/Fetched";
import { useStart } from "../characters/start";
import { useSearchKey } from "../search/useSearchKey";
import { Button, IconButton } from "../ui/Button";
import { Menu } from "../ui/Menu";
import type { Chooseable } from "./ChooseCharacter";
import { ConversationList } from "./ConversationList";
import { useStaying } from "./staying";

const ChooseCharacter = lazy(() => import("./ChooseCharacter"));

/** Which conversations are shown. */
export type Chosen = { character: Chooseable | null; archived: boolean };

/** `onDone`: somebody chose where to go, be it where they are already. */
export function Sidebar({ onDone }: { onDone: () => void }) {
  const [chosen, setChosen] = useState<Chosen>({ character: null, archived: false });
  const [choosing, setChoosing] = useState<"new" | "filter" | null>(null);
  const start = useStart();
  const { character, archived } = chosen;
  useStaying();
  useSearchKey();
  return (
    <div className="sidebar">
      <div className="sidebar-head">
        <Link href="/" className="sidebar-name" onClick={onDone}>
          Dramatis
        </Link>
        <Menu
          label="Which conversations are shown"
          icon={<ListFilter />}
          groups={[
            [
              {
                label: "Of one character…",
                checked: character !== null,
                onSelect: () => setChoosing("filter"),
              },
              {
                label: "Archived ones",
                checked: archived,
                onSelect: () => setChosen({ character, archived: !archived }),
              },
            ],
          ]}
        />
      </div>
      <Button className="sidebar-new" onClick={() => setChoosing("new")}>
        <Plus /> New conversation
      </Button>
      {(character !== null || archived) && (
        <div className="sidebar-chosen">
          <p>
            {archived ? "Archived" : "Only"}{" "}
            {character && <bdi>{archived ? `· ${character.name}` : character.name}</bdi>}
          </p>
          <IconButton
            small
            label="Show all conversations"
            icon={<X />}
            onClick={() => setChosen({ character: null, archived: false })}
          />
        </div>
      )}
      <ConversationList key={`${character?.id ?? ""} ${archived}`} {...chosen} onOpen={onDone} />
      <nav aria-label="Places" className="sidebar-places">
        <Place href="/search" onClick={onDone}>
          <Search /> Search
        </Place>
        <Place href="/characters" onClick={onDone}>
          <Users /> Characters
        </Place>
        <Place href="/settings" within onClick={onDone}>
          <Settings /> Settings
        </Place>
      </nav>
      <Fetched place={choosing ?? ""} onLost={() => setChoosing(null)}>
        {choosing === "new" && (
          <ChooseCharacter
            title="With whom?"
            onChoose={(whom) => whom && void start(whom.id)}
            onClose={() => setChoosing(null)}
          />
        )}
        {choosing === "filter" && (
          <ChooseCharacter
            title="Whose conversations?"
            nobody="Everybody’s"
            chosen={character?.id ?? null}
            onChoose={(whom) => setChosen({ character: whom, archived })}
            onClose={() => setChoosing(null)}
          />
        )}
      </Fetched>
    </div>
  );
}

type PlaceProps = { href: string; within?: boolean; onClick: () => void; children: ReactNode };

function Place({ href, within = false, onClick, children }: PlaceProps) {
  const [inside] = useRoute(`${href}/*?`);
  const [exactly] = useRoute(href);
  const here = within ? inside : exactly;
  return (
    <Link
      href={href}
      className={here ? "sidebar-place sidebar-here" : "sidebar-place"}
      onClick={onClick}
      aria-current={here ? "page" : undefined}
    >
      {children}
    </Link>
  );
}
