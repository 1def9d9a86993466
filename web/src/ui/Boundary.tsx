import { Component, type ReactNode } from "react";
import { Button } from "./Button";
import { EmptyState } from "./EmptyState";

const RELOADED = "dramatis.reloaded";
const RELOAD_PAUSE_MS = 30_000;

type BoundaryProps = {
  place: string;
  /** Where nothing is to stand in its place. */
  onLost?: () => void;
  children: ReactNode;
};
type BoundaryState = { failed: boolean; place: string };

/** What is in it may fail, or not load; what is around it goes on. Going to another place is a new beginning. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { failed: false, place: this.props.place };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  static getDerivedStateFromProps({ place }: BoundaryProps, state: BoundaryState) {
    return place === state.place ? null : { failed: false, place };
  }

  override componentDidCatch() {
    void reloadWhereOld();
    this.props.onLost?.();
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    if (this.props.onLost) return null;
    return (
      <div role="alert">
        <EmptyState
          title="Something went wrong here"
          actions={<Button onClick={() => window.location.reload()}>Load the page again</Button>}
        >
          It could not be shown. Drafts are kept.
        </EmptyState>
      </div>
    );
  }
}

/** After an upgrade of the server the files are gone that this page would load next: those of the page of now are there. */
async function reloadWhereOld() {
  const since = Date.now() - Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (since < RELOAD_PAUSE_MS || !(await isOld())) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  window.location.reload();
}

async function isOld(): Promise<boolean> {
  const ours = document.querySelector("script[type=module][src]")?.getAttribute("src");
  try {
    const response = await fetch("/", { headers: { Accept: "text/html" }, cache: "no-store" });
    return !!ours && response.ok && !(await response.text()).includes(ours);
  } catch {
    // The server is away, and the page with it.
    return false;
  }
}
