import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { answer, api, cursorIn } from "../api/client";
import { Screen } from "../shell/Screen";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { TextField } from "../ui/Field";
import { Highlight } from "./Highlight";

export default function Search() {
  const [search, setSearch] = useSearchParams();
  const q = search.get("q") ?? "";
  const hits = useInfiniteQuery({
    queryKey: ["search", q],
    queryFn: ({ pageParam }) =>
      answer(api.GET("/api/search/", { params: { query: { q, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
    enabled: q.trim() !== "",
  });
  return (
    <Screen title="Search">
      <TextField
        label="Words that were said"
        type="search"
        maxLength={200}
        value={q}
        onChange={({ target }) => setSearch(target.value ? { q: target.value } : {}, { replace: true })}
      />
      {hits.data?.length === 0 && <EmptyState title="Nothing was said of that" />}
      <ul role="list">
        {hits.data?.map(({ conversation, message, highlight }) => (
          <li key={message?.id ?? conversation.id}>
            <Link href={`/c/${conversation.id}`}>{conversation.title || conversation.character_name}</Link>
            <Highlight html={highlight} />
          </li>
        ))}
      </ul>
      {hits.hasNextPage && <Button onClick={() => void hits.fetchNextPage()}>More</Button>}
    </Screen>
  );
}
