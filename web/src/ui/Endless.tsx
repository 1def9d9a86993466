import "./Endless.css";
import { useEffect, useEffectEvent, useRef } from "react";
import { Button } from "./Button";

type More = {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage: () => unknown;
};

/** The end of a list: loads more of it when one comes near, and is a button where that failed. */
export function Endless({ list }: { list: More }) {
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError } = list;
  const here = useRef<HTMLDivElement>(null);
  const idle = hasNextPage && !isFetchingNextPage && !isFetchNextPageError;
  const come = useEffectEvent(() => void list.fetchNextPage());
  useEffect(() => {
    if (!idle || !here.current) return;
    const seen = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && come());
    seen.observe(here.current);
    return () => seen.disconnect();
  }, [idle]);
  if (!hasNextPage) return null;
  return (
    <div className="endless">
      <div ref={here} className="endless-reach" aria-hidden="true" />
      <Button look="quiet" busy={isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {isFetchNextPageError ? "That did not load. Try again" : "More"}
      </Button>
    </div>
  );
}
