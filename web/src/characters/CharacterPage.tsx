import "./Characters.css";
import "./CharacterPage.css";
import { EyeOff } from "lucide-react";
import { lazy, useState } from "react";
import { Link, useLocation } from "wouter";
import { Screen } from "../shell/Screen";
import { Markdown } from "../talk/Markdown";
import { useUser } from "../session/session";
import { Fetched } from "../ui/Fetched";
import { Avatar } from "../ui/Avatar";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { CharacterMenu } from "./CharacterMenu";
import { Greetings } from "./Greetings";
import { greetingsOf, useCharacter, type Character } from "./list";
import { named } from "./names";
import { useStart } from "./start";
import { Talks } from "./Talks";
import { placeOfTag } from "./tags";

const ReportDialog = lazy(() => import("./ReportDialog"));

/** Parsing more than this would be felt, and nobody reads it here. */
const MARKDOWN_MOST = 20_000;

/** Who somebody is, what they say first, and what one said to them so far. */
export default function CharacterPage({ id }: { id: string }) {
  const { data: character, error, refetch } = useCharacter(id);
  if (error && !character) return <Problem error={error} onRetry={() => void refetch()} />;
  if (!character) return <Loading />;
  return <Page character={character} />;
}

function Page({ character }: { character: Character }) {
  const { id, name, mine, tags, creator, creator_notes: notes, character_version: version } = character;
  const [reports, setReports] = useState(false);
  const [, navigate] = useLocation();
  const start = useStart();
  return (
    <Screen
      title={name}
      actions={
        <>
          {mine && (
            <Link className="button" href={`/characters/${id}/edit`}>
              Edit
            </Link>
          )}
          <CharacterMenu
            character={character}
            onReport={() => setReports(true)}
            onGone={() => navigate("/characters", { replace: true })}
          />
        </>
      }
    >
      <div className="person">
        <div className="person-picture">
          <Avatar size="large" name={name} src={character.avatar} />
        </div>
        <div className="person-words">
          <p className="person-facts">
            {creator && (
              <span>
                by <bdi>{creator}</bdi>
              </span>
            )}
            {version && <bdi>{/^v?\d/i.test(version) ? `Version ${version.replace(/^v/i, "")}` : version}</bdi>}
            <span>{character.visibility === "public" ? (mine ? "Yours, public" : "Public") : "Only yours"}</span>
          </p>
          {notes && <Words text={notes} />}
          {tags.length > 0 && (
            <ul role="list" className="tags" aria-label="Tags">
              {tags.map((tag, index) => (
                <li key={index}>
                  <Link className="tag" href={placeOfTag(tag, mine)} dir="auto">
                    {tag}
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
      <Greetings
        greetings={greetingsOf(character)}
        name={character.nickname || name}
        onTalk={(greeting) => start(id, greeting)}
      />
      <Prompt character={character} />
      <Talks character={id} />
      {reports && (
        <Fetched place="report" onLost={() => setReports(false)}>
          <ReportDialog character={character} onClose={() => setReports(false)} />
        </Fetched>
      )}
    </Screen>
  );
}

/** What the model is told of somebody, as far as one may see it. */
function Prompt({ character }: { character: Character }) {
  const { mine, prompt_visible: shown, visibility } = character;
  const { display_name: user } = useUser();
  if (!mine && !shown)
    return (
      <p className="person-hidden">
        <EyeOff size={18} /> Whoever made this character keeps to themselves how it is described.
      </p>
    );
  const texts = (
    [
      ["Description", character.description],
      ["Personality", character.personality],
      ["Scenario", character.scenario],
    ] as const
  ).filter(([, text]) => text?.trim());
  return (
    <section aria-label="How the character is described" className="person-prompt">
      {texts.map(([label, text], index) => (
        <details key={label} open={index === 0 && (text ?? "").length < 3_000}>
          <summary>{label}</summary>
          <p className="person-plain" dir="auto">
            {named(text ?? "", character.nickname || character.name, user)}
          </p>
        </details>
      ))}
      {mine && visibility === "public" && !shown && (
        <p className="person-hidden">
          <EyeOff size={18} /> Others do not see this, only the greetings and the notes.
        </p>
      )}
    </section>
  );
}

function Words({ text }: { text: string }) {
  if (text.length <= MARKDOWN_MOST) return <Markdown text={text} />;
  return (
    <div className="person-long">
      <p className="person-plain" dir="auto">
        {text}
      </p>
    </div>
  );
}
