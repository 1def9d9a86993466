import type { Schemas } from "../api/client";

/** A lorebook as a card has it. What is not known here is left as it is, in the book and in each entry. */
export type Book = Schemas["JSONObject"];
export type Entry = Schemas["JSONObject"];
type Value = Schemas["JSONValue"];

export const FRESH_BOOK: Book = { extensions: {}, entries: [], recursive_scanning: false };

/** All that is in the book's list; what is no entry keeps its place in it. */
export function rowsOf(book: Book): Value[] {
  const { entries } = book;
  if (Array.isArray(entries)) return entries as unknown as Value[];
  return isObject(entries) ? Object.values(entries) : [];
}

export function isObject(value: unknown): value is Schemas["JSONObject"] {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Puts rows into a book, and says for the whole what so far only followed from what the entries had. */
export function withRows(book: Book, rows: Value[]): Book {
  const base = Object.keys(book).length === 0 ? FRESH_BOOK : book;
  const next: Book = { ...base, entries: rows };
  const before = isRecursive(base);
  return isRecursive(next) === before ? next : { ...next, recursive_scanning: before };
}

export function freshEntry(rows: Value[]): Entry {
  const ids = rows.map((row) => (isObject(row) && typeof row["id"] === "number" ? row["id"] : -1));
  return {
    id: Math.max(-1, ...ids) + 1,
    name: "",
    comment: "",
    keys: [],
    secondary_keys: [],
    content: "",
    enabled: true,
    constant: false,
    selective: false,
    insertion_order: 100,
    position: "before_char",
    case_sensitive: false,
    use_regex: false,
    // Or "tea" would be found in "instead".
    extensions: { match_whole_words: true },
  };
}

export function textOf(entry: Entry, name: string): string {
  const value = entry[name];
  return typeof value === "string" ? value : "";
}

export function textsOf(entry: Entry, name: string): string[] {
  const value = entry[name];
  if (typeof value === "string") return value.split(",").map((text) => text.trim());
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : [];
}

export function titleOf(entry: Entry, row: number): string {
  const named = [textOf(entry, "name"), textOf(entry, "comment"), textsOf(entry, "keys")[0] ?? ""];
  return named.find((name) => name.trim()) ?? `Entry ${row + 1}`;
}

/** Written where it is written already: cards say `name`, SillyTavern says `comment`. */
export function withTitle(entry: Entry, title: string): Entry {
  const names = ["name", "comment"].filter((name) => typeof entry[name] === "string");
  return { ...entry, ...Object.fromEntries((names.length > 0 ? names : ["name"]).map((name) => [name, title])) };
}

export function extensionsOf(entry: Entry): Schemas["JSONObject"] {
  const { extensions } = entry;
  return isObject(extensions) ? extensions : {};
}

export function flagOf(value: unknown, otherwise: boolean): boolean {
  return typeof value === "boolean" ? value : otherwise;
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

// By these the server tells SillyTavern's entries, for which other settings hold where nothing is said.
const SILLYTAVERN = ["position", "selectiveLogic", "display_index", "useProbability", "exclude_recursion"];

function isSillyTaverns(entry: unknown): boolean {
  return isObject(entry) && SILLYTAVERN.some((name) => name in extensionsOf(entry));
}

export function isRecursive(book: Book): boolean {
  return flagOf(book["recursive_scanning"], rowsOf(book).some(isSillyTaverns));
}

/** Whether all of its keys are patterns, not only those that are written as /…/. */
export function hasPatterns(entry: Entry): boolean {
  return flagOf(entry["use_regex"], false) && !isSillyTaverns(entry);
}

export function isCased(entry: Entry): boolean {
  return flagOf(entry["case_sensitive"], flagOf(extensionsOf(entry)["case_sensitive"], false));
}

export function withCased(entry: Entry, cased: boolean): Entry {
  const extensions = extensionsOf(entry);
  const next = { ...entry, case_sensitive: cased };
  return "case_sensitive" in extensions ? { ...next, extensions: { ...extensions, case_sensitive: cased } } : next;
}

export function asWholeWords(entry: Entry): boolean {
  return flagOf(extensionsOf(entry)["match_whole_words"], isSillyTaverns(entry));
}

/** Changes what is in an entry's `extensions`, so that nothing else changes by that. */
export function withExtensions(entry: Entry, patch: Schemas["JSONObject"]): Entry {
  const next: Entry = { ...entry, extensions: { ...extensionsOf(entry), ...patch } };
  if (isSillyTaverns(entry) || !isSillyTaverns(next)) return next;
  const pinned: Entry = withExtensions(next, { match_whole_words: asWholeWords(entry), ...patch });
  if (!flagOf(entry["use_regex"], false)) return pinned;
  // From now on only what is written so is a pattern.
  const flags = isCased(entry) ? "" : "i";
  const keys = textsOf(entry, "keys").map((key) => (/^\/.+\/[dgimsuvy]*$/s.test(key) ? key : `/${key}/${flags}`));
  return { ...pinned, keys };
}

/** SillyTavern's number of where it stands, of which a card knows the first two. */
export function positionOf(entry: Entry): number {
  const number = numberOf(extensionsOf(entry)["position"]);
  if (number !== null && number >= 0 && number <= 7) return number;
  return entry["position"] === "before_char" ? 0 : 1;
}

export function withPosition(entry: Entry, position: number): Entry {
  const next = { ...entry, position: position === 0 ? "before_char" : "after_char" };
  return position > 1 || "position" in extensionsOf(entry) ? withExtensions(next, { position }) : next;
}

/** How other keys count: -1 not at all. */
export function logicOf(entry: Entry): number {
  if (!flagOf(entry["selective"], false)) return -1;
  const logic = numberOf(extensionsOf(entry)["selectiveLogic"]);
  return logic !== null && [0, 1, 2, 3].includes(logic) ? logic : 0;
}

export function withLogic(entry: Entry, logic: number): Entry {
  const next = { ...entry, selective: logic >= 0 };
  const said = "selectiveLogic" in extensionsOf(entry);
  return logic > 0 || (logic === 0 && said) ? withExtensions(next, { selectiveLogic: logic }) : next;
}

export function chanceOf(entry: Entry): number {
  const { useProbability, probability } = extensionsOf(entry);
  return flagOf(useProbability, true) ? (numberOf(probability) ?? 100) : 100;
}

export function withChance(entry: Entry, probability: number | null): Entry {
  const said = "useProbability" in extensionsOf(entry);
  return withExtensions(entry, { probability: probability ?? 100, ...(said && { useProbability: true }) });
}
