import { Screen } from "../shell/Screen";
import { Avatar } from "../ui/Avatar";
import { Button } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { useCharacter } from "./list";
import { useStart } from "./start";

export default function CharacterPage({ id }: { id: string }) {
  const { data: character, error, refetch } = useCharacter(id);
  const start = useStart();
  if (error) return <Problem error={error} onRetry={() => void refetch()} />;
  if (!character) return <Loading />;
  return (
    <Screen
      title={character.name}
      actions={
        <Button look="primary" onClick={() => void start(id)}>
          Talk
        </Button>
      }
    >
      <Avatar size="large" name={character.name} src={character.avatar} />
      {character.creator_notes && <p>{character.creator_notes}</p>}
      {character.tags.length > 0 && <p>{character.tags.join(", ")}</p>}
    </Screen>
  );
}
