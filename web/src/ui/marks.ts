/** A piece of a message for where it is not rendered: without the marks of Markdown. */
export function withoutMarks(text: string): string {
  return text.replace(/[*_`#>]+/g, "");
}
