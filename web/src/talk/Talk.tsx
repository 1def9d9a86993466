import "./Talk.css";
import { useQuery } from "@tanstack/react-query";
import { lazy, useEffect, useEffectEvent, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { Fetched } from "../ui/Fetched";
import { Refusal, told, Unreachable } from "../api/refusal";
import { useCharacter } from "../characters/list";
import { usePageTitle } from "../shell/usePageTitle";
import { EmptyState } from "../ui/EmptyState";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { toast } from "../ui/toasts";
import { Composer } from "./Composer";
import { useConversation, type Conversation } from "./conversation";
import { loadPage, textOf, type Page, type TalkMessage } from "./messages";
import { Notices } from "./Notices";
import { TalkHeader, type TalkDialog } from "./TalkHeader";
import { Transcript } from "./Transcript";
import { useTalk } from "./useTalk";

const SceneDialog = lazy(() => import("./SceneDialog"));
const ModelDialog = lazy(() => import("./ModelDialog"));
const PromptDialog = lazy(() => import("./PromptDialog"));
const ShortcutsDialog = lazy(() => import("./ShortcutsDialog"));

/** A conversation: `/c/<id>`; `?message=<id>` goes to one of its messages. */
export default function TalkScreen({ id }: { id: string }) {
  const conversation = useConversation(id);
  const first = useQuery({
    queryKey: ["talk", id],
    queryFn: () => loadPage(id),
    // The talk keeps what is shown by itself; whoever comes back begins anew.
    staleTime: Infinity,
    gcTime: 0,
  });
  const error = conversation.data ? first.error : (conversation.error ?? first.error);
  if (error instanceof Refusal && error.status === 404)
    return (
      <EmptyState
        title="There is no such conversation"
        actions={
          <Link className="button" href="/">
            To the beginning
          </Link>
        }
      >
        It may have been deleted, or it belongs to somebody else.
      </EmptyState>
    );
  if (error)
    return <Problem error={error} onRetry={() => void Promise.all([conversation.refetch(), first.refetch()])} />;
  if (!conversation.data || !first.data) return <Loading />;
  const offline = conversation.error instanceof Unreachable;
  return (
    <Talking
      conversation={conversation.data}
      first={first.data}
      offline={offline}
      lookedAt={conversation.dataUpdatedAt}
    />
  );
}

type TalkingProps = { conversation: Conversation; first: Page; offline: boolean; lookedAt: number };

function Talking({ conversation, first, offline, lookedAt }: TalkingProps) {
  const { id, character_name: name } = conversation;
  const { talk, messages, busy, line, problem, older, returned, gone } = useTalk(conversation, first, lookedAt);
  const character = useCharacter(conversation.character);
  const [dialog, setDialog] = useState<TalkDialog | null>(null);
  const [editing, setEditing] = useState<{ id: string } | null>(null);
  const [search] = useSearchParams();
  const goal = search.get("message");
  const answers =
    conversation.character !== null && !(character.error instanceof Refusal && character.error.status === 404);
  const avatar = character.data?.avatar ?? null;
  usePageTitle(conversation.title || name);

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || document.querySelector("[role=menu], [role=dialog]")) return;
    if (event.key === "Escape" && busy) void talk.stop();
    else if (event.key === "/" && (event.ctrlKey || event.metaKey)) setDialog("shortcuts");
    else return;
    event.preventDefault();
  });
  useEffect(() => {
    const hear = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, []);

  useEffect(() => {
    if (!goal) return;
    const reach = async () => (await talk.reach(goal)) || (await talk.switchTo(goal));
    reach().catch((error: unknown) => toast(told(error), "danger"));
  }, [talk, goal]);

  // What is deleted is not shown while that can be undone.
  const cut = gone === null ? -1 : messages.findIndex((message) => message.id === gone);
  const shown = cut < 0 ? messages : messages.slice(0, cut);
  const lastOurs = shown.findLast(({ role }) => role === "user");
  return (
    <div className="talk">
      <TalkHeader conversation={conversation} avatar={avatar} onOpen={setDialog} />
      {shown.length === 0 && !busy ? (
        <EmptyState title="Nothing was said yet">Say something, and {name} answers.</EmptyState>
      ) : (
        <Transcript
          {...{ talk, name, avatar, busy, answers, goal, editing }}
          messages={shown}
          hasOlder={older !== null}
          onHelp={() => setDialog("shortcuts")}
        />
      )}
      <div className="talk-foot">
        <Notices down={line === "down" || offline} problem={problem} onDismiss={talk.dismiss} />
        {answers ? (
          <Composer
            {...{ talk, name, busy, returned }}
            onEditLast={() => lastOurs?.metadata && setEditing({ id: lastOurs.id })}
          />
        ) : (
          <p className="talk-over">{name} is no longer here. You can read this conversation, export and delete it.</p>
        )}
      </div>
      <Announcer name={name} busy={busy} last={messages.at(-1)} />
      <Fetched place={dialog ?? ""} onLost={() => setDialog(null)}>
        {dialog === "scene" && <SceneDialog conversation={conversation} onClose={() => setDialog(null)} />}
        {dialog === "model" && <ModelDialog conversation={conversation} onClose={() => setDialog(null)} />}
        {dialog === "prompt" && <PromptDialog id={id} onClose={() => setDialog(null)} />}
        {dialog === "shortcuts" && <ShortcutsDialog onClose={() => setDialog(null)} />}
      </Fetched>
    </div>
  );
}

type AnnouncerProps = { name: string; busy: boolean; last: TalkMessage | undefined };

/** Tells those who listen that an answer is there, or failed: once, not word by word. */
function Announcer({ name, busy, last }: AnnouncerProps) {
  const [wasBusy, setWasBusy] = useState(false);
  const [said, setSaid] = useState("");
  if (wasBusy !== busy) {
    setWasBusy(busy);
    const answer = !busy && last?.role === "assistant" ? last : null;
    setSaid(answer ? `${name}: ${textOf(answer)} ${answer.metadata?.error?.detail ?? ""}` : "");
  }
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
