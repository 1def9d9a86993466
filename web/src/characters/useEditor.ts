import { useCallback, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { answer, api } from "../api/client";
import { Refusal, told } from "../api/refusal";
import { toast } from "../ui/toasts";
import { BLANK, cardOf, isWrong, PARTS, type Changes } from "./card";
import { keepDraft, useDraft, type Patch } from "./draft";
import type { Editing } from "./editing";
import { blobOf, fileForm } from "./file";
import { useKeepCharacter, type Character } from "./list";
import { called } from "./names";

const NEW = "new";
const NOTHING_WRONG: Record<string, string> = {};

/** The draft of a card, and how it is saved: only what was changed is sent. */
export function useEditor(character: Character | null, base: string, part: string) {
  const saved = useMemo(() => (character ? cardOf(character) : BLANK), [character]);
  const draft = useDraft(character?.id ?? NEW, saved);
  const { card, changes, dirty, kept, set: change, drop } = draft;
  const keep = useKeepCharacter();
  const [, navigate] = useLocation();
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(NOTHING_WRONG);
  const [problem, setProblem] = useState<string | null>(null);

  const set = useCallback(
    (patch: Patch) => {
      change(patch);
      // What is written anew is not what was refused.
      setWrong((now) => {
        const names = typeof patch === "function" ? [] : Object.keys(patch);
        const left = Object.entries(now).filter(([attr]) => !names.includes(attr.split(".", 1)[0] ?? ""));
        return left.length === Object.keys(now).length ? now : Object.fromEntries(left);
      });
    },
    [change],
  );

  /** The character as it is then, or null where something was refused. */
  async function send(): Promise<Character | null> {
    const { picture, ...fields } = changes;
    setBusy(true);
    setProblem(null);
    setWrong(NOTHING_WRONG);
    let now = character;
    try {
      if (!now) {
        now = await answer(api.POST("/api/characters/", { body: { ...fields, name: card.name } }));
        drop(fields);
      } else if (Object.keys(fields).length > 0) {
        now = await answer(api.PATCH("/api/characters/{id}/", { params: { path: { id: now.id } }, body: fields }));
        await keep(now);
        drop(fields);
      }
      if (picture !== undefined) {
        now = await changePicture(now, picture);
        drop({ picture });
      }
      await keep(now);
      return now;
    } catch (error) {
      refuse(error);
      if (now && !character) {
        // It is made, and only its picture was refused: one goes on with that.
        keepDraft(now.id, picture === undefined ? {} : { picture });
        drop(changes);
        await keep(now);
        toast(`${called(now.name)} is made, but without the picture: ${told(error)}`, "danger");
        navigate(`/characters/${now.id}/edit`, { replace: true });
      }
      return null;
    } finally {
      setBusy(false);
    }
  }

  function refuse(error: unknown) {
    const fields = error instanceof Refusal ? error.fields : {};
    // A picture is refused as the file that it is.
    const { file, ...others } = fields;
    const wrong = file === undefined ? others : { ...others, picture: file };
    setWrong(wrong);
    const place = PARTS.find((each) => isWrong(each, wrong));
    if (!place) setProblem(`Not saved. ${Object.values(wrong).join(" ") || told(error)}`);
    else {
      setProblem("Not saved: something in it cannot be taken. It says so where it is.");
      if (place.path !== part) navigate(place.path ? `${base}/${place.path}` : base, { replace: true });
    }
  }

  async function saveAndGo() {
    if (!dirty) return;
    const now = await send();
    if (!now) return;
    if (character) toast("Saved.");
    // A new one is to be talked to; who is further into its card has more to say of it.
    else navigate(part ? `/characters/${now.id}/edit/${part}` : `/characters/${now.id}`, { replace: true });
  }

  function discard() {
    drop(changes);
    setWrong(NOTHING_WRONG);
    setProblem(null);
  }

  const editing: Editing = {
    ...{ character, card, picture: changes.picture, set, dirty, kept, wrong, busy },
    save: async () => (await send()) !== null,
    adopt: keep,
  };
  const wrongPart = PARTS.find((each) => isWrong(each, wrong))?.path;
  return { editing, draft, problem, saveAndGo, discard, wrongPart };
}

async function changePicture(character: Character, picture: NonNullable<Changes["picture"]>): Promise<Character> {
  const params = { path: { id: character.id } };
  if (!picture) {
    await answer(api.DELETE("/api/characters/{id}/avatar/", { params }));
    return { ...character, avatar: null };
  }
  const { warnings, ...now } = await answer(
    api.PUT("/api/characters/{id}/avatar/", { params, ...fileForm(blobOf(picture), "picture") }),
  );
  for (const warning of warnings) toast(warning);
  return now;
}
