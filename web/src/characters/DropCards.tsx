import "./DropCards.css";
import { lazy, useEffect, useState, useSyncExternalStore } from "react";
import { Fetched } from "../ui/Fetched";
import { bringCards, importing } from "./importing";

const ImportPanel = lazy(() => import("./ImportPanel"));

/** Takes card files wherever they are dropped, and shows what becomes of them. One of it is on every page.
 *
 * What has `data-drops` takes files by itself.
 */
export function DropCards() {
  const cards = useSyncExternalStore(importing.watch, importing.all);
  const over = useDrops();
  return (
    <>
      {over && (
        <div className="drop" aria-hidden="true">
          <p>Drop character cards here to bring them in</p>
        </div>
      )}
      {cards.length > 0 && (
        <Fetched place={""} onLost={() => undefined}>
          <ImportPanel cards={cards} />
        </Fetched>
      )}
    </>
  );
}

function useDrops(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const ours = ({ dataTransfer, target }: DragEvent) =>
      !!dataTransfer?.types.includes("Files") && !(target instanceof Element && target.closest("[data-drops]"));
    const onDrag = (event: DragEvent) => {
      const takes = ours(event);
      setOver(takes);
      if (!takes) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    };
    const onLeave = ({ relatedTarget }: DragEvent) => {
      // Out of the window, not into another element.
      if (relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      setOver(false);
      if (!ours(event)) return;
      event.preventDefault();
      bringCards(event.dataTransfer?.files ?? []);
    };
    window.addEventListener("dragover", onDrag);
    window.addEventListener("dragleave", onLeave);
    window.addEventListener("drop", onDrop);
    return () => {
      window.removeEventListener("dragover", onDrag);
      window.removeEventListener("dragleave", onLeave);
      window.removeEventListener("drop", onDrop);
    };
  }, []);
  return over;
}
