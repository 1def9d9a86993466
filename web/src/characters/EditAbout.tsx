import { CardLine, CardText } from "./CardFields";
import { EditGreetings } from "./EditGreetings";
import { EditPicture } from "./EditPicture";
import { useEditing } from "./editing";
import { Chips, wrongOf } from "./Fields";

/** Who somebody is: enough to talk to them. */
export function EditAbout() {
  const { card, set, wrong } = useEditing();
  return (
    <>
      <EditPicture />
      <CardLine name="name" label="Name" max={200} placeholder="Ada" />
      <CardText
        name="description"
        label="Description"
        hint="Who they are, how they look and speak. {{char}} stands for their name, {{user}} for whoever talks to them."
        placeholder="{{char}} keeps the lighthouse at Cape Sorrow, and has not slept through a night in years…"
      />
      <EditGreetings />
      <Chips
        label="Tags"
        hint="To find them by. Enter or a comma adds one."
        placeholder="sea, mystery"
        values={card.tags}
        wrong={wrongOf(wrong, "tags")}
        onChange={(tags) => set({ tags })}
      />
    </>
  );
}
