import "./Markdown.css";
import type { Nodes, Table } from "mdast";
import { memo, useState, type ReactNode } from "react";
import { parsed } from "./markdown";

/** Text with Markdown in it. It never becomes HTML: what is not known is shown as it was written. */
export function Markdown({ text }: { text: string }) {
  const [known, setKnown] = useState(() => parsed(text));
  const now = known.text === text ? known : parsed(text, known);
  if (now !== known) setKnown(now);
  return (
    <div className="prose" dir="auto">
      {now.blocks.map(({ key, node }) => (
        <Block key={key} node={node} />
      ))}
    </div>
  );
}

// While an answer grows, all blocks but the last are the same objects.
const Block = memo(function Block({ node }: { node: Nodes }) {
  return element(node);
});

function inside(node: { children: Nodes[] }): ReactNode[] {
  return node.children.map((child, index) => <Inline key={index} node={child} />);
}

function Inline({ node }: { node: Nodes }) {
  return element(node);
}

function element(node: Nodes): ReactNode {
  switch (node.type) {
    case "paragraph":
      return <p dir="auto">{inside(node)}</p>;
    case "heading":
      // Under the conversation's title, whatever rank it claims: no rank is left out on the way.
      return (
        <p dir="auto" className="prose-heading" role="heading" aria-level={2}>
          {inside(node)}
        </p>
      );
    case "text":
      return node.value;
    case "emphasis":
      return <em>{inside(node)}</em>;
    case "strong":
      return <strong>{inside(node)}</strong>;
    case "delete":
      return <del>{inside(node)}</del>;
    case "inlineCode":
      return <code>{node.value}</code>;
    case "code":
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- as a table
        <pre dir="ltr" role="group" aria-label="Code" tabIndex={0}>
          <code>{node.value}</code>
        </pre>
      );
    case "blockquote":
      return <blockquote>{inside(node)}</blockquote>;
    case "list":
      return node.ordered ? <ol start={node.start ?? 1}>{inside(node)}</ol> : <ul>{inside(node)}</ul>;
    case "listItem":
      return (
        <li className={typeof node.checked === "boolean" ? "prose-task" : undefined}>
          {typeof node.checked === "boolean" && <span aria-hidden="true">{node.checked ? "☑" : "☐"}</span>}
          {typeof node.checked === "boolean" && (
            <span className="visually-hidden">{node.checked ? "Done:" : "To do:"}</span>
          )}
          {inside(node)}
        </li>
      );
    case "thematicBreak":
      return <hr />;
    case "break":
      return <br />;
    case "link":
      return <Link href={node.url}>{inside(node)}</Link>;
    case "image":
      return <Picture src={node.url} alt={node.alt ?? ""} />;
    case "table":
      return <Rows node={node} />;
    case "linkReference":
    case "footnoteReference":
      return <>[{"children" in node ? inside(node) : node.identifier}]</>;
    case "imageReference":
      return `![${node.alt ?? ""}]`;
    case "definition":
      return (
        <p>
          [{node.identifier}]: {node.url}
        </p>
      );
    case "html":
      return node.value;
    default:
      return "children" in node ? inside(node) : null;
  }
}

function Link({ href, children }: { href: string; children: ReactNode }) {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return children;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

/** A character's, or out of the text itself: a picture of another's would tell them who reads, and whatever else this
 * server has is not to be asked for in the reader's name. */
function Picture({ src, alt }: { src: string; alt: string }) {
  const ours = /^\/api\/characters\/[\w-]+\/avatar\/?(\?v=\w+)?$/.test(src) || /^data:image\//i.test(src);
  if (ours) return <img src={src} alt={alt} loading="lazy" />;
  return <Link href={src}>{alt || src}</Link>;
}

function Rows({ node }: { node: Table }) {
  const [head, ...body] = node.children;
  return (
    // It scrolls by itself where it is wide, by keyboard, too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="prose-table" role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head?.children.map((cell, index) => (
              <th key={index} scope="col">
                {inside(cell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, index) => (
            <tr key={index}>
              {row.children.map((cell, index) => (
                <td key={index}>{inside(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
