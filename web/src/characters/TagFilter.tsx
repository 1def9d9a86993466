import type { Character } from "./list";

const SHOWN = 16;

type TagFilterProps = { characters: Character[]; tags: string[]; onPress: (tag: string) => void };

/** The tags that those on the screen have, the frequent ones first; pressed ones stay where they can be let go. */
export function TagFilter({ characters, tags, onPress }: TagFilterProps) {
  const offered = [...tags, ...frequent(characters, tags)].slice(0, Math.max(SHOWN, tags.length));
  if (offered.length === 0) return null;
  return (
    <div role="group" aria-label="Only with these tags" className="tags tags-filter">
      {offered.map((tag) => (
        <button
          key={tag}
          type="button"
          className="tag"
          aria-pressed={tags.includes(tag)}
          onClick={() => onPress(tag)}
          dir="auto"
        >
          {tag}
        </button>
      ))}
    </div>
  );
}

function frequent(characters: Character[], without: string[]): string[] {
  // In small letters or large it is one tag to the server.
  const counts = new Map<string, { tag: string; count: number }>();
  const taken = new Set(without.map((tag) => tag.toLowerCase()));
  for (const tag of characters.flatMap((character) => character.tags)) {
    const key = tag.toLowerCase();
    if (taken.has(key)) continue;
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { tag, count: 1 });
  }
  return [...counts.values()].sort((one, other) => other.count - one.count).map(({ tag }) => tag);
}
