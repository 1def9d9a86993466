import { useEffect, useRef, type RefObject } from "react";

/** Rows that change places: the focus stays with what was moved, and finds a place when a row has gone.
 *
 * A row has `data-row`, what in it can be focused `data-tool`.
 */
export function useRowFocus(list: RefObject<HTMLElement | null>) {
  const wanted = useRef<{ row: number; tool: string } | null>(null);
  useEffect(() => {
    if (!wanted.current) return;
    const { row, tool } = wanted.current;
    wanted.current = null;
    const inRow = `[data-row="${row}"] [data-tool]`;
    const tools = [...(list.current?.querySelectorAll<HTMLElement>(inRow) ?? [])].filter(
      (each) => !each.matches(":disabled"),
    );
    (tools.find((each) => each.dataset["tool"] === tool) ?? tools[0])?.focus();
  });
  return (row: number, tool: string) => {
    wanted.current = { row, tool };
  };
}

export function moved<Row>(rows: readonly Row[], from: number, to: number): Row[] {
  const row = rows[from];
  if (row === undefined || to < 0 || to >= rows.length) return [...rows];
  return rows.toSpliced(from, 1).toSpliced(to, 0, row);
}
