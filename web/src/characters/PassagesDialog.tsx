import { useInfiniteQuery } from "@tanstack/react-query";
import { answer, api, cursorIn } from "../api/client";
import { Dialog } from "../ui/Dialog";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { Endless } from "../ui/Endless";
import type { Document } from "./knowledge";

type PassagesDialogProps = { character: string; document: Document; onClose: () => void };

/** A text as it was read, cut where it is cut. */
export default function PassagesDialog({ character, document, onClose }: PassagesDialogProps) {
  const list = useInfiniteQuery({
    queryKey: ["knowledge", character, "passages", document.id],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/characters/{id}/knowledge/{document_pk}/passages/", {
          params: {
            path: { id: character, document_pk: document.id },
            query: { ...(pageParam && { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
  return (
    <Dialog wide title={document.title} about="As it was read, in its passages." onClose={onClose}>
      {list.isPending && <Loading />}
      {list.error && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      <ol role="list" className="documents">
        {list.data?.map(({ id, heading, text }) => (
          <li key={id} className="passage">
            {heading && (
              <p className="field-hint" dir="auto">
                {heading}
              </p>
            )}
            <p className="passage-text" dir="auto">
              {text}
            </p>
          </li>
        ))}
      </ol>
      <Endless list={list} />
    </Dialog>
  );
}
