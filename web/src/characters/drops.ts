import { useEffect, useEffectEvent, type RefObject } from "react";

/** Takes the files that are dropped on an element, which has `data-drops`: they are no cards. */
export function useFileDrop(element: RefObject<HTMLElement | null>, onFiles: (files: File[]) => void) {
  const take = useEffectEvent(onFiles);
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const onDrag = (event: DragEvent) => event.preventDefault();
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      take([...(event.dataTransfer?.files ?? [])]);
    };
    current.addEventListener("dragover", onDrag);
    current.addEventListener("drop", onDrop);
    return () => {
      current.removeEventListener("dragover", onDrag);
      current.removeEventListener("drop", onDrop);
    };
  }, [element]);
}
