import { useEffect, useEffectEvent, useRef } from "react";
import { Button } from "../ui/Button";

type EndOfListProps = {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
};

/** The foot of a list that goes on: what comes next is fetched when one gets near it, or by the button. */
export function EndOfList({ list }: EndOfListProps) {
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const foot = useRef<HTMLDivElement>(null);
  const near = useEffectEvent(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  });
  useEffect(() => {
    if (!foot.current || !hasNextPage || isFetchingNextPage) return;
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && near(), { rootMargin: "600px" });
    watcher.observe(foot.current);
    return () => watcher.disconnect();
  }, [hasNextPage, isFetchingNextPage]);
  if (!hasNextPage) return null;
  return (
    <div ref={foot} className="list-end">
      <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
        More
      </Button>
    </div>
  );
}
