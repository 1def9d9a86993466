import { TextField } from "../ui/Field";
import * as book from "./book";
import type { Entry } from "./book";
import { NumberField, Switch } from "./Fields";

const NUMBERS = [
  ["scan_depth", "Messages looked through", "Instead of the book’s."],
  ["sticky", "Stays for", "So many messages after it came up."],
  ["cooldown", "Rests for", "So many messages after that."],
  ["delay", "Not before message", "Of the conversation."],
] as const;

const SWITCHES = [
  ["exclude_recursion", "Not set off by other entries"],
  ["prevent_recursion", "Sets off no other entries"],
  ["ignore_budget", "Told though the book’s budget is used up"],
] as const;

/** What few entries need. */
export function EntryDetails({ entry, onChange }: { entry: Entry; onChange: (entry: Entry) => void }) {
  const extensions = book.extensionsOf(entry);
  const { group, delay_until_recursion: waits } = extensions;
  const put = (patch: Entry) => onChange(book.withExtensions(entry, patch));
  return (
    <details className="entry-more">
      <summary>More settings</summary>
      <div className="entry-more-inside">
        <div className="fields-pair">
          {NUMBERS.map(([name, label, hint]) => (
            <NumberField
              key={name}
              label={label}
              hint={hint}
              min={0}
              value={book.numberOf(extensions[name])}
              onChange={(value) => put({ [name]: value })}
            />
          ))}
          <NumberField
            label="Priority"
            hint="Low ones are left out first when there is no room."
            value={book.numberOf(entry["priority"])}
            onChange={(priority) => onChange(priority === null ? without(entry, "priority") : { ...entry, priority })}
          />
          <TextField
            label="Group"
            hint="Of one group, one entry is told."
            value={typeof group === "string" ? group : ""}
            onChange={({ target }) => put({ group: target.value })}
          />
          {typeof group === "string" && group !== "" && (
            <NumberField
              label="Weight in its group"
              min={0}
              placeholder="100"
              value={book.numberOf(extensions["group_weight"])}
              onChange={(group_weight) => put({ group_weight: group_weight ?? 100 })}
            />
          )}
        </div>
        {SWITCHES.map(([name, label]) => (
          <Switch
            key={name}
            label={label}
            checked={book.flagOf(extensions[name], false)}
            onChange={(on) => put({ [name]: on })}
          />
        ))}
        <Switch
          label="Set off by other entries only"
          checked={waits === true || (typeof waits === "number" && waits > 0)}
          onChange={(on) => put({ delay_until_recursion: on })}
        />
        {typeof group === "string" && group !== "" && (
          <Switch
            label="Goes before the others of its group"
            checked={book.flagOf(extensions["group_override"], false)}
            onChange={(on) => put({ group_override: on })}
          />
        )}
      </div>
    </details>
  );
}

function without(entry: Entry, name: string): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== name));
}
