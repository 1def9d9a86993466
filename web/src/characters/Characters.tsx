import "./Characters.css";
import { useState } from "react";
import { Link } from "wouter";
import { Screen } from "../shell/Screen";
import { Avatar } from "../ui/Avatar";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { TextField } from "../ui/Field";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { useCharacters } from "./list";
import { useStart } from "./start";

export default function Characters() {
  const [search, setSearch] = useState("");
  const list = useCharacters("all", search);
  const start = useStart();
  return (
    <Screen title="Characters">
      <TextField label="Find" type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
      {list.isPending && <Loading />}
      {list.isError && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      {list.data?.length === 0 && <EmptyState title="No such character" />}
      <ul role="list" className="characters">
        {list.data?.map((character) => (
          <li key={character.id} className="character">
            <Avatar name={character.name} src={character.avatar} />
            <Link href={`/characters/${character.id}`}>{character.name}</Link>
            <Button onClick={() => void start(character.id)}>Talk</Button>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          More
        </Button>
      )}
    </Screen>
  );
}
