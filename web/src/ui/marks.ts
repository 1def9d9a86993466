// What a search has marked may stand between a letter and a mark of Markdown.
const TAG = "(?:</?mark>)?";
const LINE_START = /^\s*[#>]+\s+/gm;
const EMPHASIS = new RegExp(`(?<![\\p{L}\\p{N}]${TAG})[*_\`]+(?=\\S)|(?<=\\S)[*_\`]+(?!${TAG}[\\p{L}\\p{N}])`, "gu");

/** A piece of a message for where it is not rendered: without the marks of Markdown. Those within a word, or with blanks
 * around them, are none. */
export function withoutMarks(text: string): string {
  return text.replace(LINE_START, "").replace(EMPHASIS, "");
}
