import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { told } from "../api/refusal";
import { TextField } from "../ui/Field";
import { useSettled } from "../ui/useSettled";

/** What a turn would find for a question. */
export function FindKnowledge({ character }: { character: string }) {
  const [asked, setAsked] = useState("");
  const q = useSettled(asked.trim());
  const found = useQuery({
    queryKey: ["knowledge", character, "search", q],
    queryFn: () =>
      answer(api.GET("/api/characters/{id}/knowledge/search/", { params: { path: { id: character }, query: { q } } })),
    enabled: q !== "",
    placeholderData: (before) => before,
  });
  return (
    <section aria-label="What is found" className="editor-list">
      <TextField
        label="Ask what they know"
        type="search"
        hint="Shows the passages that a turn would be given for this."
        placeholder="Who built the tower?"
        maxLength={2_000}
        value={asked}
        onChange={({ target }) => setAsked(target.value)}
      />
      {q !== "" && (
        <div role="status">
          {found.error && <p className="field-error">{told(found.error)}</p>}
          {found.data?.results.length === 0 && <p className="field-hint">Nothing answers this.</p>}
        </div>
      )}
      {q !== "" && (
        <ul role="list" className="documents">
          {found.data?.results.map(({ id, title, heading, text }) => (
            <li key={id} className="passage">
              <p className="field-hint" dir="auto">
                {title}
                {heading && ` · ${heading}`}
              </p>
              <p className="passage-text" dir="auto">
                {text}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
