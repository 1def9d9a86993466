import type { Schemas } from "../api/client";
import type { Character } from "./list";

/** What of a character is written in the editor. Its `extensions` are kept by the server as they are. */
export type Card = Required<Omit<Schemas["CharacterRequest"], "extensions">>;

/** What was changed and is not saved. `picture` is a `data:` address; blank where it is to be taken away. */
export type Changes = Partial<Card> & { picture?: string | undefined };

export const BLANK: Card = {
  name: "",
  nickname: "",
  description: "",
  personality: "",
  scenario: "",
  system_prompt: "",
  first_message: "",
  alternate_greetings: [],
  example_dialogue: "",
  post_history_instructions: "",
  creator: "",
  creator_notes: "",
  character_version: "",
  tags: [],
  lorebook: {},
  model: "",
  temperature: null,
  top_p: null,
  max_tokens: null,
  stop: [],
  tools: [],
  visibility: "private",
  prompt_visible: false,
};

export const FIELDS = Object.keys(BLANK) as (keyof Card)[];

export function cardOf(character: Character): Card {
  const known = FIELDS.flatMap((name) => {
    const value = character[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...BLANK, ...(Object.fromEntries(known) as Partial<Card>) };
}

/** The parts of the editor, and what is written in each: an error leads there. */
export const PARTS = [
  {
    path: "",
    label: "Who they are",
    fields: ["picture", "name", "description", "first_message", "alternate_greetings", "tags"],
  },
  {
    path: "depth",
    label: "In depth",
    fields: ["nickname", "personality", "scenario", "example_dialogue", "system_prompt", "post_history_instructions"],
  },
  { path: "lorebook", label: "Lorebook", fields: ["lorebook"] },
  { path: "tools", label: "Tools", fields: ["tools"] },
  { path: "knowledge", label: "Knowledge", fields: [] },
  { path: "model", label: "Model", fields: ["model", "temperature", "top_p", "max_tokens", "stop"] },
  {
    path: "sharing",
    label: "Sharing",
    fields: ["visibility", "prompt_visible", "creator", "creator_notes", "character_version"],
  },
] as const;

export type Part = (typeof PARTS)[number];

/** Whether something is wrong in a part, by the names of what was refused (`tags.1` is one of `tags`). */
export function isWrong(part: Part, wrong: Record<string, string>): boolean {
  const fields: readonly string[] = part.fields;
  return Object.keys(wrong).some((attr) => fields.includes(attr.split(".", 1)[0] ?? ""));
}
