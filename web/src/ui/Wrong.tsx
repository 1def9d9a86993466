import "./Field.css";

/** Something that went wrong, under the form that it is of. */
export function Wrong({ children }: { children: string | null }) {
  return (
    children && (
      <p role="alert" className="field-error">
        {children}
      </p>
    )
  );
}
