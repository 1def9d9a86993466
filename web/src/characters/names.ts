/** With the names in it; all other macros are the server's. */
export function named(text: string, character: string, user: string): string {
  return text
    .replaceAll(/\{\{char\}\}|<BOT>/gi, () => character)
    .replaceAll(/\{\{user\}\}|<USER>/gi, () => user || "you");
}

// Right-to-left letters, and marks that turn the direction.
const TURNS = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]/;

/** A name as a part of a sentence that is plain text: not too long, and turning nothing around that stands beside it. */
export function called(name: string): string {
  const short = name.length > 60 ? `${name.slice(0, 60).trimEnd()}…` : name;
  return TURNS.test(short) ? `\u2068${short}\u2069` : short;
}
