import { Users } from "lucide-react";
import { Link } from "wouter";
import { useCharacters } from "../characters/list";
import { useStart } from "../characters/start";
import { useConversations } from "../sidebar/conversations";
import { previewOf } from "../sidebar/lists";
import { Screen } from "../shell/Screen";
import { Avatar } from "../ui/Avatar";
import { EmptyState } from "../ui/EmptyState";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import "./Home.css";

export default function Home() {
  const characters = useCharacters("all");
  const conversations = useConversations();
  const start = useStart();
  if (characters.error && !characters.data)
    return <Problem error={characters.error} onRetry={() => void characters.refetch()} />;
  return (
    <Screen title="Who is there">
      {characters.isPending && <Loading />}
      {characters.data?.length === 0 && (
        <EmptyState icon={<Users />} title="Nobody yet">
          Make a character, or drop a card file here.
        </EmptyState>
      )}
      {!!characters.data?.length && (
        <p className="home-hint">
          Choose somebody, and the talk begins. <Link href="/characters">See all, or make one of your own.</Link>
        </p>
      )}
      <ul role="list" className="home-cast">
        {characters.data?.slice(0, 12).map((character) => (
          <li key={character.id}>
            <button type="button" className="home-character" onClick={() => void start(character.id)}>
              <Avatar size="large" name={character.name} src={character.avatar} />
              <span className="home-name">{character.name}</span>
              {character.creator_notes && <span className="home-about">{character.creator_notes.slice(0, 200)}</span>}
            </button>
          </li>
        ))}
      </ul>
      {!!conversations.data?.length && (
        <section aria-labelledby="home-latest">
          <h2 id="home-latest">Where you were</h2>
          <ul role="list" className="home-latest">
            {conversations.data.slice(0, 8).map((conversation) => (
              <li key={conversation.id}>
                <Link href={`/c/${conversation.id}`}>
                  <strong>{conversation.title || conversation.character_name}</strong>
                  <span>{previewOf(conversation)}</span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Screen>
  );
}
