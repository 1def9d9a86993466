import { Problem } from "../ui/Problem";
import { Loading } from "../ui/Loading";
import { EmptyState } from "../ui/EmptyState";
import { Screen } from "../shell/Screen";
import { Link } from "wouter";
import { Editor } from "./Editor";
import { useCharacter } from "./list";

/** Making a character, where there is no id yet, or writing on one. */
export default function EditCharacter({ id, part = "" }: { id?: string; part?: string | undefined }) {
  const { data: character, error, refetch } = useCharacter(id);
  if (!id) return <Editor key="new" character={null} part={part} />;
  if (character?.mine) return <Editor key={id} character={character} part={part} />;
  if (character)
    return (
      <Screen title={character.name}>
        <EmptyState
          title="This is not yours to change"
          actions={
            <Link className="button" href={`/characters/${id}`}>
              Back to the character
            </Link>
          }
        >
          A copy would be: “Duplicate” in the character’s menu, where its maker allows that.
        </EmptyState>
      </Screen>
    );
  if (error) return <Problem error={error} onRetry={() => void refetch()} />;
  return <Loading />;
}
