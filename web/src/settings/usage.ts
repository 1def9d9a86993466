import type { Schemas } from "../api/client";

export type UsageRow = Schemas["Usage"];
export type Measure = "tokens" | "calls";
export type Total = { model: string; calls: number; prompt: number; completion: number };

const DAY_MS = 24 * 60 * 60 * 1000;

/** The last so many days of UTC, today's included, oldest first, as the API writes them. */
export function daysUntil(now: Date, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(now.getTime() - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** What each model did in all, those that did most first. */
export function totals(rows: UsageRow[]): Total[] {
  const models = new Map<string, Total>();
  for (const { model, calls, prompt_tokens, completion_tokens } of rows) {
    const total = models.get(model) ?? { model, calls: 0, prompt: 0, completion: 0 };
    total.calls += calls;
    total.prompt += prompt_tokens ?? 0;
    total.completion += completion_tokens ?? 0;
    models.set(model, total);
  }
  return [...models.values()].sort((one, other) => other.prompt + other.completion - one.prompt - one.completion);
}

export function amount(row: UsageRow, measure: Measure): number {
  return measure === "calls" ? row.calls : (row.prompt_tokens ?? 0) + (row.completion_tokens ?? 0);
}

/** A day as people write it. */
export function named(day: string): string {
  return new Date(`${day}T00:00Z`).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" });
}
