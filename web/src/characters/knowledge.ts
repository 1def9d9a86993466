import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api, cursorIn, type Schemas } from "../api/client";
import { fileForm } from "./file";
import { takeAway, useTakenAway } from "./leaving";
import { called } from "./names";

export type Document = Schemas["Document"];

/** The texts that a character knows, newest first. */
export function useDocuments(character: string) {
  const gone = useTakenAway();
  const list = useInfiniteQuery({
    queryKey: ["knowledge", character],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/api/characters/{id}/knowledge/", {
          params: { path: { id: character }, query: { ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => cursorIn(next),
    select: ({ pages }) => pages.flatMap(({ results }) => results),
  });
  return { ...list, data: list.data?.filter(({ id }) => !gone.has(id)) };
}

export function useKnowledge(character: string) {
  const client = useQueryClient();
  const look = () => client.invalidateQueries({ queryKey: ["knowledge", character] });
  const path = { id: character };
  return {
    /** Gives it a file to know; what of it could not be read is in `warnings`. */
    addFile: async (file: File) => {
      const added = await answer(api.POST("/api/characters/{id}/knowledge/", { params: { path }, ...fileForm(file) }));
      void look();
      return added;
    },
    addText: async (body: Schemas["NewDocumentRequest"]) => {
      const added = await answer(api.POST("/api/characters/{id}/knowledge/", { params: { path }, body }));
      void look();
      return added;
    },
    rename: async (document: string, title: string) => {
      await answer(
        api.PATCH("/api/characters/{id}/knowledge/{document_pk}/", {
          params: { path: { ...path, document_pk: document } },
          body: { title },
        }),
      );
      await look();
    },
    remove: ({ id, title }: Document) =>
      takeAway(id, `${called(title)} is forgotten.`, async (leaving) => {
        await answer(
          api.DELETE("/api/characters/{id}/knowledge/{document_pk}/", {
            params: { path: { ...path, document_pk: id } },
            keepalive: leaving,
          }),
        );
        await look();
      }),
  };
}
