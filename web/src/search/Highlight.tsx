import { withoutMarks } from "../ui/marks";

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'" };

/** What was found: escaped text with `<mark>` around the hits. It is taken apart here, never given to the browser. */
export function Highlight({ html, markdown }: { html: string; markdown: boolean }) {
  const shown = markdown ? withoutMarks(html) : html;
  return (
    <span className="found-text" dir="auto">
      {shown.split(/<mark>(.*?)<\/mark>/s).map((text, index) => piece(text, index))}
    </span>
  );
}

function piece(text: string, index: number) {
  const plain = text.replace(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
  return index % 2 ? <mark key={index}>{plain}</mark> : plain;
}
