import "./Parts.css";
import type { DynamicToolUIPart, ReasoningUIPart, SourceDocumentUIPart } from "ai";
import { BookOpen, Brain, CircleAlert, Wrench } from "lucide-react";
import { Popover } from "../ui/Popover";
import { Markdown } from "./Markdown";
import type { TalkMessage } from "./messages";

/** What a message is made of, in its order; what it was told from comes last. */
export function Parts({ message }: { message: TalkMessage }) {
  const sources = message.parts.filter((part) => part.type === "source-document");
  return (
    <>
      {message.parts.map((part, index) => {
        if (part.type === "text") return part.text && <Markdown key={index} text={part.text} />;
        if (part.type === "reasoning") return part.text && <Thoughts key={index} part={part} />;
        if (part.type === "dynamic-tool") return <ToolAtWork key={index} part={part} />;
        return null;
      })}
      {sources.length > 0 && <Sources sources={sources} />}
    </>
  );
}

function Thoughts({ part }: { part: ReasoningUIPart }) {
  return (
    <details className="aside">
      <summary>
        <Brain />
        {part.state === "streaming" ? "Thinking…" : "Thoughts"}
      </summary>
      <div className="aside-inside">
        <Markdown text={part.text} />
      </div>
    </details>
  );
}

function ToolAtWork({ part }: { part: DynamicToolUIPart }) {
  const failed = part.state === "output-error";
  const runs = part.state === "input-available" || part.state === "input-streaming";
  return (
    <details className={failed ? "aside aside-failed" : "aside"}>
      <summary>
        {failed ? <CircleAlert /> : <Wrench />}
        <span>
          <bdi className="aside-name">{part.toolName}</bdi>
          {runs && " is at work…"}
          {failed && " failed"}
        </span>
      </summary>
      <dl className="aside-inside">
        <dt>Asked</dt>
        <dd>
          <pre>{shown(part.input)}</pre>
        </dd>
        {part.state === "output-available" && (
          <>
            <dt>Answered</dt>
            <dd>
              <pre>{shown(part.output)}</pre>
            </dd>
          </>
        )}
        {failed && (
          <>
            <dt>Error</dt>
            <dd>
              <pre>{part.errorText}</pre>
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function Sources({ sources }: { sources: SourceDocumentUIPart[] }) {
  return (
    <ul role="list" className="sources" aria-label="Sources">
      {sources.map((source, index) => (
        <li key={index}>
          <Popover
            label={
              <>
                <BookOpen />
                <bdi>{source.title}</bdi>
              </>
            }
            title={source.title}
          >
            <p className="sources-text">{passageOf(source)}</p>
          </Popover>
        </li>
      ))}
    </ul>
  );
}

function passageOf({ providerMetadata }: SourceDocumentUIPart): string {
  const text = providerMetadata?.["dramatis"]?.["text"];
  return typeof text === "string" ? text : "";
}
