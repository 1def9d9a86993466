import "./Field.css";
import { useId, type ComponentProps, type ReactNode } from "react";

type Around = {
  label: string;
  /** Said under the field, always. */
  hint?: ReactNode;
  /** Said in place of the hint, when what is in the field was refused. */
  error?: string | undefined;
};

/** A labelled line of text. */
export function TextField({ label, hint, error, ...rest }: Around & ComponentProps<"input">) {
  const { id, told } = useIds(hint, error);
  return (
    <Frame {...{ id, label, hint, error }}>
      <input id={id} className="field-control" aria-invalid={!!error} aria-describedby={told} {...rest} />
    </Frame>
  );
}

/** A labelled text of many lines, which grows with what is in it. */
export function TextArea({ label, hint, error, ...rest }: Around & ComponentProps<"textarea">) {
  const { id, told } = useIds(hint, error);
  return (
    <Frame {...{ id, label, hint, error }}>
      <textarea id={id} className="field-control field-area" aria-invalid={!!error} aria-describedby={told} {...rest} />
    </Frame>
  );
}

/** A labelled choice of few; its `option`s are the children. */
export function SelectField({ label, hint, error, ...rest }: Around & ComponentProps<"select">) {
  const { id, told } = useIds(hint, error);
  return (
    <Frame {...{ id, label, hint, error }}>
      <select id={id} className="field-control" aria-invalid={!!error} aria-describedby={told} {...rest} />
    </Frame>
  );
}

function useIds(hint: ReactNode, error: string | undefined) {
  const id = useId();
  return { id, told: hint || error ? `${id}-told` : undefined };
}

function Frame({ id, label, hint, error, children }: Around & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id} className="field-label">
        {label}
      </label>
      {children}
      {(hint || error) && (
        <p id={`${id}-told`} className={error ? "field-error" : "field-hint"}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}
