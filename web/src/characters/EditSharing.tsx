import { CardLine, CardText } from "./CardFields";
import { useEditing } from "./editing";
import { Switch } from "./Fields";

/** Who may see and talk to somebody, and what those read of them. */
export function EditSharing() {
  const { card, set, wrong } = useEditing();
  const open = card.visibility === "public";
  return (
    <>
      <Switch
        label="Public"
        hint="Everyone who is signed in here finds them and may talk to them, in conversations of their own."
        checked={open}
        error={wrong["visibility"]}
        onChange={(checked) => set({ visibility: checked ? "public" : "private" })}
      />
      <Switch
        label="Show how they are described"
        hint={
          open
            ? "Others see the description, the lorebook and the rest of the prompt, and may duplicate and export them."
            : "For when they are public: others see the prompt then, and may duplicate and export them."
        }
        checked={card.prompt_visible}
        error={wrong["prompt_visible"]}
        onChange={(prompt_visible) => set({ prompt_visible })}
      />
      <CardText name="creator_notes" label="Notes" hint="For people who find them. The model is not told." />
      <CardLine name="creator" label="Creator" max={200} />
      <CardLine name="character_version" label="Version" max={100} />
    </>
  );
}
