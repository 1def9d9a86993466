import "./TalkHeader.css";
import "../ui/Field.css";
import {
  Archive,
  Drama,
  Ellipsis,
  FileDown,
  Keyboard,
  Pencil,
  Pin,
  ScanText,
  SlidersHorizontal,
  Trash2,
} from "lucide-react";
import { useRef, useState, type KeyboardEvent } from "react";
import { flushSync } from "react-dom";
import { Link, useLocation } from "wouter";
import { told } from "../api/refusal";
import { useDrawer } from "../shell/drawer";
import { DrawerButton } from "../shell/Shell";
import { useRemoveConversation } from "../sidebar/conversations";
import { Avatar } from "../ui/Avatar";
import { IconButton } from "../ui/Button";
import { Menu } from "../ui/Menu";
import { toast } from "../ui/toasts";
import { useChange, type Conversation } from "./conversation";

export type TalkDialog = "scene" | "model" | "prompt" | "shortcuts";

type TalkHeaderProps = { conversation: Conversation; avatar: string | null; onOpen: (dialog: TalkDialog) => void };

export function TalkHeader({ conversation, avatar, onOpen }: TalkHeaderProps) {
  const { id, title, character, character_name, pinned, archived } = conversation;
  const [renaming, setRenaming] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const [, navigate] = useLocation();
  const change = useChange(id);
  const remove = useRemoveConversation();

  const attempt = (body: Parameters<typeof change>[0]) =>
    void change(body).catch((error: unknown) => toast(told(error), "danger"));
  const exported = (as: string) => `/api/conversations/${id}/export/?as=${as}`;
  return (
    <header className="talk-head">
      <DrawerButton open={useDrawer()} />
      <Avatar name={character_name} src={avatar} />
      <div className="talk-names">
        {renaming ? (
          <Rename
            title={title}
            onDone={(next, byKey) => {
              flushSync(() => setRenaming(false));
              if (byKey) heading.current?.focus();
              if (next !== null && next !== title) attempt({ title: next });
            }}
          />
        ) : (
          <h1 ref={heading} className="talk-title" dir="auto" tabIndex={-1}>
            {title || character_name}
          </h1>
        )}
        {title && !renaming && (
          <p className="talk-who">
            {character ? (
              <Link href={`/characters/${character}`} dir="auto">
                {character_name}
              </Link>
            ) : (
              character_name
            )}
          </p>
        )}
      </div>
      <IconButton label="The scene: who you are, what this is about" icon={<Drama />} onClick={() => onOpen("scene")} />
      <Menu
        label="This conversation"
        icon={<Ellipsis />}
        groups={[
          [
            { label: "Rename", icon: <Pencil />, onSelect: () => setRenaming(true) },
            { label: "Pinned", icon: <Pin />, checked: pinned, onSelect: () => attempt({ pinned: !pinned }) },
            {
              label: "Archived",
              icon: <Archive />,
              checked: archived,
              onSelect: () => attempt({ archived: !archived }),
            },
          ],
          [
            { label: "The model", icon: <SlidersHorizontal />, onSelect: () => onOpen("model") },
            { label: "What the model is told", icon: <ScanText />, onSelect: () => onOpen("prompt") },
            { label: "Keyboard", icon: <Keyboard />, onSelect: () => onOpen("shortcuts") },
          ],
          [
            { label: "Export as Markdown", icon: <FileDown />, href: exported("markdown"), download: true },
            { label: "Export as JSON", icon: <FileDown />, href: exported("json"), download: true },
            { label: "Export for SillyTavern", icon: <FileDown />, href: exported("sillytavern"), download: true },
          ],
          [
            {
              label: "Delete",
              icon: <Trash2 />,
              danger: true,
              onSelect: () => {
                remove(id);
                navigate("/");
              },
            },
          ],
        ]}
      />
    </header>
  );
}

type RenameProps = { title: string; onDone: (title: string | null, byKey: boolean) => void };

function Rename({ title, onDone }: RenameProps) {
  const [text, setText] = useState(title);
  const over = useRef(false);

  function end(next: string | null, byKey: boolean) {
    if (over.current) return;
    over.current = true;
    onDone(next, byKey);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) end(text.trim(), true);
    else if (event.key === "Escape") end(null, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <input
      className="field-control talk-rename"
      aria-label="Title of the conversation"
      maxLength={200}
      value={text}
      ref={(input) => input?.focus()}
      onChange={({ target }) => setText(target.value)}
      onKeyDown={onKeyDown}
      onBlur={() => end(text.trim(), false)}
    />
  );
}
