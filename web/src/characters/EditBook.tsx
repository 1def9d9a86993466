import { TextField } from "../ui/Field";
import { isRecursive, numberOf, textOf, type Book } from "./book";
import { useEditing } from "./editing";
import { NumberField, Switch } from "./Fields";

/** What holds for the whole book. */
export function EditBook() {
  const { card, set } = useEditing();
  const { lorebook: book } = card;
  const put = (patch: Book) => set((now) => ({ lorebook: { ...now.lorebook, ...patch } }));
  return (
    <details className="entry-more">
      <summary>The whole book</summary>
      <div className="entry-more-inside">
        <TextField
          label="Name of the book"
          dir="auto"
          value={textOf(book, "name")}
          onChange={({ target }) => put({ name: target.value })}
        />
        <div className="fields-pair">
          <NumberField
            label="Messages looked through"
            hint="The newest ones, for keys."
            min={0}
            placeholder="2"
            value={numberOf(book["scan_depth"])}
            onChange={(scan_depth) => put({ scan_depth })}
          />
          <NumberField
            label="Budget"
            hint="Tokens for lore; at most a quarter of the prompt."
            min={0}
            value={numberOf(book["token_budget"])}
            onChange={(token_budget) => put({ token_budget })}
          />
        </div>
        <Switch
          label="Entries set off each other"
          hint="What is told is looked through for keys, too."
          checked={isRecursive(book)}
          onChange={(recursive_scanning) => put({ recursive_scanning })}
        />
      </div>
    </details>
  );
}
