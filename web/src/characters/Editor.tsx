import "./Characters.css";
import "./Editor.css";
import { CircleAlert } from "lucide-react";
import { lazy, Suspense, useEffect, useEffectEvent, useRef, type ReactNode } from "react";
import { Link } from "wouter";
import { Screen } from "../shell/Screen";
import { Fetched } from "../ui/Fetched";
import { Button } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { isWrong, PARTS } from "./card";
import { EditAbout } from "./EditAbout";
import { EditDepth } from "./EditDepth";
import { EditingContext } from "./editing";
import { EditSharing } from "./EditSharing";
import type { Character } from "./list";
import { useEditor } from "./useEditor";
import { useLeaveGuard } from "./leave";

const EditLorebook = lazy(() => import("./EditLorebook"));
const EditTools = lazy(() => import("./EditTools"));
const EditKnowledge = lazy(() => import("./EditKnowledge"));
const EditModel = lazy(() => import("./EditModel"));
const LeaveDialog = lazy(() => import("./LeaveDialog"));

const INSIDE: Record<string, ReactNode> = {
  "": <EditAbout />,
  depth: <EditDepth />,
  lorebook: <EditLorebook />,
  tools: <EditTools />,
  knowledge: <EditKnowledge />,
  model: <EditModel />,
  sharing: <EditSharing />,
};

/** The card, in parts: a beginner sees a name, a description and a greeting first. */
export function Editor({ character, part }: { character: Character | null; part: string }) {
  const base = character ? `/characters/${character.id}/edit` : "/characters/new";
  const { editing, draft, problem, saveAndGo, discard, wrongPart } = useEditor(character, base, part);
  const { wrong, dirty, busy } = editing;
  const { leaving, leave, stay } = useLeaveGuard(dirty, base);
  const body = useRef<HTMLDivElement>(null);
  const parts = useRef<HTMLElement>(null);

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    if (!busy) void saveAndGo();
  });
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    parts.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [part]);
  useEffect(() => {
    // What was refused is in sight, whatever part it is in.
    if (wrongPart === part) body.current?.querySelector<HTMLElement>("[aria-invalid='true']")?.focus();
  }, [wrong, wrongPart, part]);

  const here = PARTS.find(({ path }) => path === part) ?? PARTS[0];
  const name = editing.card.name.trim();
  return (
    <EditingContext value={editing}>
      <Screen
        title={character ? name || character.name : "New character"}
        actions={
          character && (
            <Link className="button" href={`/characters/${character.id}`}>
              View
            </Link>
          )
        }
      >
        <nav ref={parts} aria-label="Parts of the card" className="places">
          {PARTS.map((each) => (
            <Link
              key={each.path}
              className="place"
              href={each.path ? `${base}/${each.path}` : base}
              replace
              aria-current={each === here ? "page" : undefined}
            >
              {each.label}
              {isWrong(each, wrong) && (
                <span className="place-wrong">
                  <CircleAlert size={16} aria-hidden="true" />
                  <span className="visually-hidden">(has errors)</span>
                </span>
              )}
            </Link>
          ))}
        </nav>
        {draft.restored && (
          <p className="editor-notice">
            These are changes of yours that were not saved. They were kept on this device.
          </p>
        )}
        {problem && (
          <p role="alert" className="editor-notice editor-problem">
            {problem}
          </p>
        )}
        <div ref={body} className="editor" role="group" aria-label={here.label}>
          <Suspense fallback={<Loading />}>{INSIDE[here.path]}</Suspense>
          <div className="editor-foot" data-dirty={dirty}>
            <p role="status">{dirty ? notice(draft.kept, editing.picture) : character ? "All is saved." : ""}</p>
            {dirty && (
              <Button look="quiet" onClick={discard}>
                Discard
              </Button>
            )}
            <Button look="primary" busy={busy} disabled={!dirty || busy} onClick={saveAndGo}>
              Save
            </Button>
          </div>
        </div>
      </Screen>
      {leaving && (
        <Fetched place="leaving" onLost={stay}>
          <LeaveDialog
            kept={draft.kept}
            onStay={stay}
            onLeave={leave}
            onDiscard={() => {
              discard();
              leave();
            }}
            onSave={async () => {
              if (await editing.save()) leave();
              else stay();
            }}
          />
        </Fetched>
      )}
    </EditingContext>
  );
}

function notice(kept: boolean, picture: string | undefined): string {
  if (kept) return "Not saved yet.";
  return picture
    ? "Not saved yet. The picture is too large to be kept over a reload."
    : "Not saved, and too long to keep.";
}
