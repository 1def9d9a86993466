"""What the page costs a browser: how a conversation opens as it grows, and what a fast stream does to the main thread.

    .venv/bin/python -m bench.page

Needs Node and Chromium, and nothing else going on: long tasks are counted. The exit status is 1 where a bar is missed.
"""

import statistics
import sys
from typing import TYPE_CHECKING, Any

from bench.browser import Stage, stage, visit

if TYPE_CHECKING:
    from apps.conversations.models import Conversation

FEW, MANY, ROUNDS = 50, 10_000, 9
SLOWER = 1.3
TOKENS, PER_SECOND = 1_000, 100
LONG_MS = 50

# From the click to the frame after the newest message is there.
OPENED = """() => new Promise((resolve) => {
    const look = () => document.querySelector(".turn-last")
        ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
        : requestAnimationFrame(look);
    look();
})"""
WATCH = """() => {
    window.long = []; window.shifts = 0; window.frames = []; window.over = false;
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask" });
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
    }).observe({ type: "layout-shift" });
    let before = performance.now();
    const frame = (now) => {
        window.frames.push(now - before);
        before = now;
        if (!window.over) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""


def main() -> int:
    with stage() as played:
        met = [*opening(played), *streaming(played)]
    return 0 if all(met) else 1


def talk(length: int) -> "Conversation":
    from apps.accounts.demo import EMAIL
    from apps.accounts.models import User
    from apps.characters.models import Character
    from apps.conversations import turns
    from tests.factories import grow

    user = User.objects.get(email=EMAIL)
    conversation = turns.begin(user, Character.objects.get(name="Ada"), title=f"{length} messages")
    grow(conversation, length)
    return conversation


def opening(played: Stage) -> list[bool]:
    took: dict[int, list[float]] = {}
    talks = {length: talk(length) for length in (FEW, MANY)}
    for _ in range(ROUNDS):
        for length, conversation in talks.items():
            visitor = visit(played)
            visitor.opens(conversation)  # what is cached by the browser is there then
            visitor.goes_to(f"/c/{conversation.pk}")
            took.setdefault(length, []).append(visitor.page.evaluate(OPENED))
            visitor.context.close()
    few, many = (statistics.median(took[length]) for length in (FEW, MANY))
    print(f"| opening a conversation of | {FEW} | {MANY:,} | |\n|---|---|---|---|")
    print(f"| median of {ROUNDS}, ms | {few:.0f} | {many:.0f} | {many / few:.2f}× (bar: {SLOWER}×) |\n")
    return [many <= few * SLOWER]


def streaming(played: Stage) -> list[bool]:
    met = []
    print(
        f"| {TOKENS} tokens, {PER_SECOND} a second | long tasks, over {LONG_MS} ms | slowest frame, ms | layout shift |"
    )
    print("|---|---|---|---|")
    for length in (FEW, MANY):
        visitor = visit(played)
        visitor.opens(talk(length))
        visitor.page.wait_for_load_state("networkidle")
        visitor.page.wait_for_timeout(1000)
        words = (
            "The *clock* on the stairs had stopped again, and **nobody** would say when.\n\n- a list\n- of `things`\n\n"
        )
        pieces = (words.replace(" ", " \0").split("\0") * TOKENS)[: TOKENS - 1]
        played.ai.says("", pieces=[*pieces, "That is all."], delay=1 / PER_SECOND)
        visitor.page.evaluate(WATCH)
        visitor.says("Tell me all of it.")
        visitor.page.get_by_role("button", name="Send", exact=True).wait_for(timeout=120_000)
        seen: dict[str, Any] = visitor.page.evaluate("(window.over = true, { long, shifts, frames })")
        long = [duration for duration in seen["long"] if duration > LONG_MS]
        slowest, told = max(seen["frames"]), [round(each) for each in long]
        print(f"| after {length:,} messages | {len(long)} {told or ''} | {slowest:.0f} | {seen['shifts']:.3f} |")
        met += [not long, seen["shifts"] == 0]
        visitor.context.close()
    return met


if __name__ == "__main__":
    sys.exit(main())
