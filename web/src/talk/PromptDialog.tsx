import "./PromptDialog.css";
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { Dialog } from "../ui/Dialog";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";

type Prompt = Schemas["Prompt"];

/** Why the model will answer as it does: all that it is told, what of the lore fired, and what was left out. */
export default function PromptDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const prompt = useQuery({
    queryKey: ["prompt", id],
    queryFn: () => answer(api.GET("/api/conversations/{id}/prompt/", { params: { path: { id } } })),
    staleTime: 0,
    gcTime: 0,
  });
  return (
    <Dialog wide title="What the model is told" about="If it answered now." onClose={onClose}>
      {prompt.isPending && <Loading />}
      {prompt.error && <Problem error={prompt.error} onRetry={() => void prompt.refetch()} />}
      {prompt.data && <Told prompt={prompt.data} />}
    </Dialog>
  );
}

function Told({ prompt }: { prompt: Prompt }) {
  const { tokens, budget, model, fits, tools, sources } = prompt;
  return (
    <>
      <p>
        About <strong>{tokens.toLocaleString()}</strong> of {budget.toLocaleString()} tokens, for <code>{model}</code>
        {tools.length > 0 && <>, which may call {tools.join(", ")}</>}.
      </p>
      {!fits && <p className="field-error">The character’s own texts and the newest turn alone are too long.</p>}
      <Parts parts={prompt.parts} />
      <Lore lore={prompt.lore} />
      {sources.length > 0 && (
        <section>
          <h3>Knowledge that was found</h3>
          <ul>
            {sources.map((source, index) => (
              <li key={index}>{source.title}</li>
            ))}
          </ul>
        </section>
      )}
      {prompt.dropped.length > 0 && (
        <section>
          <h3>Left out</h3>
          <ul>
            {prompt.dropped.map(({ what, name, why }, index) => (
              <li key={index}>
                {what}
                {name && `: ${name}`} <span className="prompt-faded">({why})</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>Word by word</h3>
        {prompt.messages.map(({ role, content }, index) => (
          <details key={index} className="prompt-message">
            <summary>
              <span className="prompt-role">{role}</span>
              <span className="prompt-faded prompt-begin">{content.slice(0, 140)}</span>
            </summary>
            <pre dir="auto">{content}</pre>
          </details>
        ))}
      </section>
    </>
  );
}

function Parts({ parts }: { parts: Prompt["parts"] }) {
  const most = Math.max(1, ...parts.map(({ tokens }) => tokens));
  return (
    <section>
      <h3>Its parts</h3>
      <table className="prompt-parts">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Tokens</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ name, tokens }, index) => (
            <tr key={index}>
              <th scope="row">{name.replaceAll("_", " ")}</th>
              <td>
                <span className="prompt-bar" aria-hidden="true">
                  <i style={{ width: `${(100 * tokens) / most}%` }} />
                </span>
                <span className="prompt-tokens">{tokens.toLocaleString()}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Lore({ lore }: { lore: Prompt["lore"] }) {
  if (lore.length === 0) return null;
  return (
    <section>
      <h3>Lore that fired</h3>
      <ul>
        {lore.map(({ name, fired_by, through, tokens }, index) => (
          <li key={index}>
            {name}{" "}
            <span className="prompt-faded">
              by {fired_by}
              {through && ` in ${through}`}, {tokens} tokens
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
