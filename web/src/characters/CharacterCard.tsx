import { MessageCircle } from "lucide-react";
import { memo } from "react";
import { Link } from "wouter";
import { Avatar } from "../ui/Avatar";
import { IconButton } from "../ui/Button";
import type { Character } from "./list";
import { called, named } from "./names";
import { useStart } from "./start";

const TAGS = 4;

/** One character in a list: the card leads to their page, the button to a new conversation. */
export const CharacterCard = memo(function CharacterCard({ character }: { character: Character }) {
  const start = useStart();
  const { id, name, creator, creator_notes: notes, tags } = character;
  const about = (notes || character.description || "").slice(0, 300);
  return (
    <li className="character">
      <Avatar size="large" name={name} src={character.avatar} />
      <div className="character-words">
        <h2 className="character-name">
          <Link href={`/characters/${id}`} dir="auto">
            {name}
          </Link>
        </h2>
        {creator && (
          <p className="character-by">
            by <bdi>{creator}</bdi>
          </p>
        )}
        {about && (
          <p className="character-about" dir="auto">
            {named(about, character.nickname || name, "")}
          </p>
        )}
        {tags.length > 0 && (
          <p className="character-tags">
            {tags.slice(0, TAGS).map((tag, index) => (
              <bdi key={index}>{tag}</bdi>
            ))}
            {tags.length > TAGS && <span>+{tags.length - TAGS}</span>}
          </p>
        )}
      </div>
      <IconButton label={`Talk to ${called(name)}`} icon={<MessageCircle />} onClick={() => void start(id)} />
    </li>
  );
});
