import "./Fields.css";
import { X } from "lucide-react";
import { useId, useState, type KeyboardEvent, type ReactNode } from "react";
import { TextField } from "../ui/Field";

type SwitchProps = {
  label: ReactNode;
  hint?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  error?: string | undefined;
  onChange: (checked: boolean) => void;
};

/** Something that is on or off. */
export function Switch({ label, hint, error, checked, disabled, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div className="switch-row">
      <input
        id={id}
        type="checkbox"
        role="switch"
        className="switch"
        checked={checked}
        aria-checked={checked}
        disabled={disabled}
        aria-describedby={hint || error ? `${id}-told` : undefined}
        onChange={({ target }) => onChange(target.checked)}
      />
      <div>
        <label htmlFor={id} className="switch-label">
          {label}
        </label>
        {(hint || error) && (
          <p id={`${id}-told`} className={error ? "field-error" : "field-hint"}>
            {error ?? hint}
          </p>
        )}
      </div>
    </div>
  );
}

type NumberFieldProps = {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  value: number | null;
  min?: number;
  max?: number;
  step?: number | "any";
  placeholder?: string;
  onChange: (value: number | null) => void;
};

/** A number, or none. */
export function NumberField({ value, onChange, step = 1, ...rest }: NumberFieldProps) {
  // "0." and "1e" are on the way to a number.
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextField
      type="number"
      inputMode="decimal"
      step={step}
      value={typed ?? value ?? ""}
      onChange={({ target }) => {
        setTyped(target.value);
        onChange(target.value === "" || Number.isNaN(target.valueAsNumber) ? null : target.valueAsNumber);
      }}
      onBlur={() => setTyped(null)}
      {...rest}
    />
  );
}

type ChipsProps = {
  label: string;
  hint?: ReactNode;
  values: string[];
  /** What is wrong: with all of them, or with the one of that number. */
  wrong?: string | undefined;
  placeholder?: string;
  /** How one is written down, where it is not as it is. */
  show?: (value: string) => string;
  read?: (typed: string) => string[];
  onChange: (values: string[]) => void;
};

/** Some words. Enter or a comma adds what was typed, Backspace takes back the last. */
export function Chips({ label, hint, values, wrong, placeholder, show = String, read = commas, onChange }: ChipsProps) {
  const id = useId();
  const [typed, setTyped] = useState("");

  function add(text: string) {
    const added = read(text).filter((value, index, all) => !values.includes(value) && all.indexOf(value) === index);
    setTyped("");
    if (added.length > 0) onChange([...values, ...added]);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const last = values.at(-1);
    if (event.key === "Enter") {
      event.preventDefault();
      add(typed);
    } else if (event.key === "Backspace" && typed === "" && last !== undefined) {
      event.preventDefault();
      onChange(values.slice(0, -1));
      setTyped(show(last));
    }
  }

  return (
    <div className="field">
      <label htmlFor={id} className="field-label">
        {label}
      </label>
      <div className="chips field-control">
        {values.length > 0 && (
          <ul role="list" className="chips-list" aria-label={label}>
            {values.map((value, index) => (
              <li key={index} className="word">
                <span className="word-text" dir="auto" title={value.length > 40 ? value.slice(0, 500) : undefined}>
                  {show(value).slice(0, 500)}
                </span>
                <button
                  type="button"
                  className="word-remove"
                  aria-label={`Remove ${show(value).slice(0, 100)}`}
                  onClick={() => onChange(values.toSpliced(index, 1))}
                >
                  <X size={14} />
                </button>
              </li>
            ))}
          </ul>
        )}
        <input
          id={id}
          className="chips-input"
          dir="auto"
          value={typed}
          placeholder={values.length === 0 ? placeholder : undefined}
          aria-invalid={!!wrong}
          aria-describedby={hint || wrong ? `${id}-told` : undefined}
          onChange={({ target }) => {
            const text = target.value;
            if (read === commas && text.endsWith(",")) add(text);
            else setTyped(text);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => add(typed)}
        />
      </div>
      {(hint || wrong) && (
        <p id={`${id}-told`} className={wrong ? "field-error" : "field-hint"}>
          {wrong ?? hint}
        </p>
      )}
    </div>
  );
}

function commas(typed: string): string[] {
  return typed
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
}

/** What is wrong with a list: said of it, or of one in it. */
export function wrongOf(wrong: Record<string, string>, name: string): string | undefined {
  const attr = name in wrong ? name : Object.keys(wrong).find((attr) => attr.startsWith(`${name}.`));
  if (attr === undefined) return undefined;
  const place = Number(attr.slice(name.length + 1));
  return attr === name || Number.isNaN(place) ? wrong[attr] : `Number ${place + 1}: ${wrong[attr] ?? ""}`;
}
