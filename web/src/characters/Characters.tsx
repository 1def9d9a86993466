import "./Characters.css";
import { Plus, Upload, Users } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { Screen } from "../shell/Screen";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { TextField } from "../ui/Field";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { Endless } from "../ui/Endless";
import { useSettled } from "../ui/useSettled";
import { CharacterCard } from "./CharacterCard";
import { pickCards } from "./importing";
import { useCharacters, type Scope } from "./list";
import { TagFilter } from "./TagFilter";
import { usePressedTags } from "./tags";

const SCOPES: [Scope, string][] = [
  ["mine", "Mine"],
  ["public", "Public"],
];

/** Mine and the public ones, found by words and tags; what is looked for stands in the address. */
export default function Characters() {
  const [params, setParams] = useSearchParams();
  const scope: Scope = params.get("scope") === "public" ? "public" : "mine";
  const { tags, press } = usePressedTags();
  const [search, setSearch] = useState(params.get("search") ?? "");
  const found = useSettled(search.trim());
  const list = useCharacters(scope, found, tags);
  const filtered = found !== "" || tags.length > 0;

  function look(search: string) {
    setSearch(search);
    setParams(
      (params) => {
        if (search) params.set("search", search);
        else params.delete("search");
        return params;
      },
      { replace: true },
    );
  }

  return (
    <Screen
      title="Characters"
      actions={
        <>
          <Button className="button-compact" onClick={pickCards}>
            <Upload size={18} />
            <span>Import</span>
          </Button>
          <Link className="button button-primary" href="/characters/new">
            <Plus size={18} /> New
          </Link>
        </>
      }
    >
      <div className="characters-looking">
        <nav aria-label="Whose" className="places">
          {SCOPES.map(([name, label]) => (
            <Link
              key={name}
              className="place"
              href={name === "mine" ? "/characters" : `/characters?scope=${name}`}
              aria-current={scope === name ? "page" : undefined}
              onClick={() => setSearch("")}
            >
              {label}
            </Link>
          ))}
        </nav>
        <TextField
          label="Find"
          type="search"
          placeholder="Name, creator, tag or notes"
          maxLength={200}
          value={search}
          onChange={(event) => look(event.target.value)}
        />
      </div>
      <TagFilter characters={list.data ?? []} tags={tags} onPress={press} />
      {list.isPending && <Loading />}
      {list.isError && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      {list.data?.length === 0 && !list.hasNextPage && (
        <Nobody scope={scope} filtered={filtered} onAll={() => look("")} />
      )}
      <ul role="list" className="characters" aria-busy={list.isFetching}>
        {list.data?.map((character) => (
          <CharacterCard key={character.id} character={character} />
        ))}
      </ul>
      <Endless list={list} />
    </Screen>
  );
}

function Nobody({ scope, filtered, onAll }: { scope: Scope; filtered: boolean; onAll: () => void }) {
  if (filtered)
    return (
      <EmptyState
        icon={<Users />}
        title="Nobody like that"
        actions={
          <Link className="button" href={`/characters?scope=${scope}`} onClick={onAll}>
            Show all
          </Link>
        }
      >
        No character has all these words and tags.
      </EmptyState>
    );
  if (scope === "public")
    return (
      <EmptyState icon={<Users />} title="No public characters yet">
        Whoever makes a character may let everyone here talk to it. Yours can be the first: open it, choose Edit, then
        Sharing.
      </EmptyState>
    );
  return (
    <EmptyState
      icon={<Users />}
      title="You have no characters yet"
      actions={
        <>
          <Link className="button button-primary" href="/characters/new">
            Make one
          </Link>
          <Button onClick={pickCards}>Import a card</Button>
          <Link className="button" href="/characters?scope=public">
            See public ones
          </Link>
        </>
      }
    >
      A name and a few sentences are enough to begin. Or drop a character card anywhere on this page: PNG, JSON or
      CHARX.
    </EmptyState>
  );
}
