import "./ChooseCharacter.css";
import { Check, Users } from "lucide-react";
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useCharacters } from "../characters/list";
import { Avatar } from "../ui/Avatar";
import { Dialog } from "../ui/Dialog";
import { Endless } from "../ui/Endless";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { useSettled } from "../ui/useSettled";

export type Chooseable = { id: string; name: string };

type ChooseCharacterProps = {
  title: string;
  /** Who is chosen already. */
  chosen?: string | null;
  /** What stands for no choice, where one need not choose. */
  nobody?: string;
  onChoose: (character: Chooseable | null) => void;
  onClose: () => void;
};

/** Somebody of the cast: typing narrows the list, arrow keys go through it. */
export default function ChooseCharacter({ title, chosen = null, nobody, onChoose, onClose }: ChooseCharacterProps) {
  const id = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const wanted = text.trim();
  const settled = useSettled(wanted);
  const list = useCharacters("all", settled);
  const box = useRef<HTMLDivElement>(null);

  const anybody = nobody !== undefined && text.trim() === "" ? [{ id: "", name: nobody, avatar: null }] : [];
  const options = [...anybody, ...(list.data ?? [])];
  const here = Math.min(at, options.length - 1);

  useEffect(() => {
    box.current?.children[here]?.scrollIntoView({ block: "nearest" });
  }, [here]);

  function choose(option: Chooseable | undefined) {
    if (!option) return;
    onChoose(option.id ? { id: option.id, name: option.name } : null);
    onClose();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown") setAt(Math.min(here + 1, options.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(here - 1, 0));
    // What is shown may be what was looked for before.
    else if (event.key === "Enter" && settled === wanted && !list.isPlaceholderData && !event.nativeEvent.isComposing)
      choose(options[here]);
    else return;
    event.preventDefault();
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <input
        ref={focused}
        className="field-control"
        type="search"
        role="combobox"
        aria-label="Find a character"
        aria-expanded="true"
        aria-controls={`${id}-box`}
        aria-activedescendant={options[here] ? `${id}-${here}` : undefined}
        aria-autocomplete="list"
        placeholder="Find a character"
        maxLength={200}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div className="choose-scroll">
        <div ref={box} id={`${id}-box`} role="listbox" aria-label="Characters">
          {options.map((option, index) => (
            // Keys are the field's, which has the focus all the time.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
            <div
              key={option.id}
              id={`${id}-${index}`}
              role="option"
              aria-selected={option.id === (chosen ?? "")}
              className={index === here ? "choose-option choose-here" : "choose-option"}
              onPointerMove={() => setAt(index)}
              onClick={() => choose(option)}
            >
              {option.id ? <Avatar size="small" name={option.name} src={option.avatar} /> : <Users />}
              <span className="choose-name" dir="auto">
                {option.name}
              </span>
              {option.id === (chosen ?? "") && <Check />}
            </div>
          ))}
        </div>
        {list.isPending && <Loading />}
        {list.error && !list.data && <Problem error={list.error} onRetry={() => void list.refetch()} />}
        {list.data?.length === 0 && <p className="choose-nobody">Nobody is called that.</p>}
        <Endless list={list} />
      </div>
    </Dialog>
  );
}

function focused(input: HTMLInputElement | null) {
  input?.focus();
}
