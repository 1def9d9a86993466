import "./Search.css";
import { ListFilter, Search as SearchIcon, X } from "lucide-react";
import { lazy, useEffect, useEffectEvent, useState } from "react";
import { useSearchParams } from "wouter";
import { Fetched } from "../ui/Fetched";
import { useCharacter } from "../characters/list";
import { Screen } from "../shell/Screen";
import { Button, IconButton } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { Endless } from "../ui/Endless";
import "../ui/Field.css";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { useSettled } from "../ui/useSettled";
import { Found } from "./Found";
import { useHits } from "./hits";
import { FIELD } from "./useSearchKey";

const ChooseCharacter = lazy(() => import("../sidebar/ChooseCharacter"));

/** What was said, by its words: `/search?q=…`, and `&character=<id>` where it was said with one of them. */
export default function Search() {
  const [search, setSearch] = useSearchParams();
  const asked = search.get("q") ?? "";
  const character = search.get("character");
  const [text, setText] = useState(asked);
  const settled = useSettled(text.trim());
  // Who goes back in history sees what was searched for there.
  const [before, setBefore] = useState(asked);
  if (before !== asked) {
    setBefore(asked);
    if (asked !== settled) setText(asked);
  }
  const [choosing, setChoosing] = useState(false);
  const hits = useHits(asked, character);

  const ask = useEffectEvent((words: string) => {
    if (words === asked) return;
    setSearch(
      (now) => {
        if (words) now.set("q", words);
        else now.delete("q");
        return now;
      },
      { replace: true },
    );
  });
  useEffect(() => ask(settled), [settled]);

  function choose(id: string | null) {
    setSearch((now) => {
      if (id) now.set("character", id);
      else now.delete("character");
      return now;
    });
  }

  return (
    <Screen title="Search">
      <search className="search">
        <div className="search-line">
          <SearchIcon aria-hidden="true" />
          <input
            id={FIELD}
            ref={focused}
            className="field-control"
            type="search"
            aria-label="Words that were said"
            aria-describedby="search-hint"
            placeholder="Words that were said"
            enterKeyHint="search"
            maxLength={200}
            value={text}
            dir="auto"
            onChange={({ target }) => setText(target.value)}
          />
          <Whom id={character} onChoose={() => setChoosing(true)} onClear={() => choose(null)} />
        </div>
        <p id="search-hint" className="field-hint">
          Whole words that must all be there; “in quotes” as they follow each other; or between two; −before what must
          not be there.
        </p>
      </search>
      <div aria-live="polite" className="visually-hidden">
        {hits.data && `${hits.hasNextPage ? "More than " : ""}${hits.data.length} found`}
      </div>
      {asked !== "" && hits.isPending && <Loading label="Searching" />}
      {hits.error && !hits.data && <Problem error={hits.error} onRetry={() => void hits.refetch()} />}
      {hits.data?.length === 0 && (
        <EmptyState icon={<SearchIcon />} title="Nothing was said of that">
          Words are found whole and as they were written: a “lamp” is not a “lamplighter”.
        </EmptyState>
      )}
      {asked === "" && (
        <EmptyState icon={<SearchIcon />} title="Look for something that was said">
          All your conversations are searched, with every version of every answer, and their titles.
        </EmptyState>
      )}
      {hits.data && <Found hits={hits.data} />}
      <Endless list={hits} />
      <Fetched place={String(choosing)} onLost={() => setChoosing(false)}>
        {choosing && (
          <ChooseCharacter
            title="Said with whom?"
            nobody="Everybody"
            chosen={character}
            onChoose={(whom) => choose(whom?.id ?? null)}
            onClose={() => setChoosing(false)}
          />
        )}
      </Fetched>
    </Screen>
  );
}

function Whom({ id, onChoose, onClear }: { id: string | null; onChoose: () => void; onClear: () => void }) {
  const { data } = useCharacter(id);
  if (!id) return <IconButton label="Only with one character" icon={<ListFilter />} onClick={onChoose} />;
  return (
    <>
      <Button className="search-whom" onClick={onChoose}>
        <span className="visually-hidden">Only with </span>
        <span dir="auto">{data?.name ?? "One character"}</span>
      </Button>
      <IconButton label="With everybody" icon={<X />} onClick={onClear} />
    </>
  );
}

function focused(input: HTMLInputElement | null) {
  input?.focus();
}
