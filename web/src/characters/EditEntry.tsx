import { SelectField, TextArea, TextField } from "../ui/Field";
import * as book from "./book";
import type { Entry } from "./book";
import { EntryDetails } from "./EntryDetails";
import { Chips, NumberField, Switch } from "./Fields";

const LOGIC = [
  [-1, "They do not count"],
  [0, "And one of these"],
  [3, "And all of these"],
  [2, "And none of these"],
  [1, "And not all of these"],
] as const;

const POSITIONS = [
  [0, "Before the description"],
  [1, "After the description"],
  [2, "Before what the conversation is about"],
  [3, "After what the conversation is about"],
  [5, "Before the example dialogue"],
  [6, "After the example dialogue"],
  [4, "Among the messages, at a depth"],
  [7, "Nowhere by itself (an outlet)"],
] as const;

const ROLES = ["System", "User", "Character"];

/** All that a person would look for in an entry; what else it holds is left as it is. */
export function EditEntry({ entry, onChange }: { entry: Entry; onChange: (entry: Entry) => void }) {
  const patterns = book.hasPatterns(entry);
  const position = book.positionOf(entry);
  const extensions = book.extensionsOf(entry);
  const logic = book.logicOf(entry);
  const others = book.textsOf(entry, "secondary_keys");

  return (
    <>
      <TextField
        label="Name"
        hint="For you; the model is not told."
        data-tool="name"
        dir="auto"
        value={book.textOf(entry, "name") || book.textOf(entry, "comment")}
        onChange={({ target }) => onChange(book.withTitle(entry, target.value))}
      />
      <Switch
        label="Always told"
        hint="Without a key."
        disabled={patterns}
        checked={book.flagOf(entry["constant"], false) && !patterns}
        onChange={(constant) => onChange({ ...entry, constant })}
      />
      <Chips
        label="Keys"
        hint={
          patterns
            ? "All of them are regular expressions. Enter adds one."
            : "One of them must come up. Enter adds one; /…/i is a regular expression."
        }
        placeholder="lighthouse, lamp"
        values={book.textsOf(entry, "keys")}
        read={patterns ? whole : words}
        onChange={(keys) => onChange({ ...entry, keys })}
      />
      {!patterns && (
        <>
          <Chips
            label="Other keys"
            values={others}
            read={words}
            onChange={(secondary_keys) => {
              const next = { ...entry, secondary_keys };
              const first = others.length === 0 && secondary_keys.length > 0 && logic < 0;
              onChange(first ? book.withLogic(next, 0) : next);
            }}
          />
          {(others.length > 0 || logic >= 0) && (
            <SelectField
              label="How the other keys count"
              value={logic}
              onChange={({ target }) => onChange(book.withLogic(entry, Number(target.value)))}
            >
              {LOGIC.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </SelectField>
          )}
        </>
      )}
      <TextArea
        label="What is told"
        dir="auto"
        value={book.textOf(entry, "content")}
        onChange={({ target }) => onChange({ ...entry, content: target.value })}
      />
      <div className="fields-pair">
        <Switch
          label="Whole words only"
          checked={book.asWholeWords(entry)}
          onChange={(match_whole_words) => onChange(book.withExtensions(entry, { match_whole_words }))}
        />
        <Switch
          label="Case matters"
          checked={book.isCased(entry)}
          onChange={(cased) => onChange(book.withCased(entry, cased))}
        />
      </div>
      <SelectField
        label="Where it stands"
        value={position}
        onChange={({ target }) => onChange(book.withPosition(entry, Number(target.value)))}
      >
        {POSITIONS.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </SelectField>
      <div className="fields-pair">
        <NumberField
          label="Order"
          hint="Lower ones come first."
          value={book.numberOf(entry["insertion_order"])}
          placeholder="100"
          onChange={(order) => onChange({ ...entry, insertion_order: order ?? 100 })}
        />
        <NumberField
          label="Chance"
          hint="In so many of 100 cases."
          min={0}
          max={100}
          value={book.chanceOf(entry)}
          onChange={(chance) => onChange(book.withChance(entry, chance))}
        />
      </div>
      {position === 4 && (
        <div className="fields-pair">
          <NumberField
            label="Depth"
            hint="0: after the last message."
            min={0}
            value={book.numberOf(extensions["depth"])}
            placeholder="4"
            onChange={(depth) => onChange(book.withExtensions(entry, { depth }))}
          />
          <SelectField
            label="Said by"
            value={book.numberOf(extensions["role"]) ?? 0}
            onChange={({ target }) => onChange(book.withExtensions(entry, { role: Number(target.value) }))}
          >
            {ROLES.map((role, value) => (
              <option key={role} value={value}>
                {role}
              </option>
            ))}
          </SelectField>
        </div>
      )}
      <EntryDetails entry={entry} onChange={onChange} />
    </>
  );
}

/** Commas part keys, but not in a pattern. */
function words(typed: string): string[] {
  if (typed.startsWith("/")) return whole(typed);
  return typed
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
}

function whole(typed: string): string[] {
  return typed.trim() ? [typed.trim()] : [];
}
