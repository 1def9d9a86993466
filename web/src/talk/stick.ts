const NEAR_PX = 48;
/** A movement this soon after a hand's is the hand's. */
const HAND_MS = 400;

const HANDS = ["wheel", "touchstart", "touchmove", "pointerdown", "pointermove", "keydown"] as const;

/** Keeps a scrolled element at its end while its content grows, as long as the reader is there. */
export class Stick {
  #atEnd = true;
  #outer: HTMLElement | null = null;
  readonly #watchers = new Set<() => void>();

  readonly atEnd = () => this.#atEnd;

  readonly watch = (watcher: () => void) => {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  };

  readonly toEnd = () => {
    this.#set(true);
    this.#outer?.scrollTo({ top: this.#outer.scrollHeight });
  };

  /** For who goes elsewhere otherwise than by hand. */
  readonly letGo = () => this.#set(false);

  attach(outer: HTMLElement, inner: HTMLElement): () => void {
    this.#outer = outer;
    let hand = -Infinity;
    let before = outer.scrollTop;
    const byHand = () => (hand = performance.now());
    const onScroll = () => {
      const near = outer.scrollHeight - outer.scrollTop - outer.clientHeight < NEAR_PX;
      const up = outer.scrollTop < before;
      before = outer.scrollTop;
      const now = performance.now() - hand < HAND_MS;
      if (near && now) this.#set(true);
      // Measuring what comes into sight moves things, too: only the reader lets go.
      else if (up && now && !near) this.#set(false);
    };
    // What grows, or a window that shrinks: both before anything is painted.
    const sizes = new ResizeObserver(() => {
      if (this.#atEnd) this.toEnd();
    });
    sizes.observe(inner);
    sizes.observe(outer);
    for (const each of HANDS) outer.addEventListener(each, byHand, { passive: true });
    outer.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      sizes.disconnect();
      for (const each of HANDS) outer.removeEventListener(each, byHand);
      outer.removeEventListener("scroll", onScroll);
    };
  }

  #set(atEnd: boolean) {
    if (atEnd === this.#atEnd) return;
    this.#atEnd = atEnd;
    for (const watcher of this.#watchers) watcher();
  }
}
