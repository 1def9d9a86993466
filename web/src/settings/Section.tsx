import { useId, type ReactNode } from "react";

/** A matter of the settings: what it is called, a sentence about it, and what one can do. */
export function Section({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="settings-section">
      <h2 id={id}>{title}</h2>
      {about && <p className="settings-about">{about}</p>}
      {children}
    </section>
  );
}
