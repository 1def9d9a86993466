import "./Door.css";
import type { ReactNode } from "react";
import { usePageTitle } from "../shell/usePageTitle";

/** What people see who are not in yet. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  usePageTitle(title);
  return (
    <main className="door">
      <header>
        <p className="door-name">Dramatis</p>
        <p className="door-about">Characters that remember what you said to them.</p>
      </header>
      <section className="door-card" aria-labelledby="door-title">
        <h1 id="door-title">{title}</h1>
        {children}
      </section>
    </main>
  );
}
