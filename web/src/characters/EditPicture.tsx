import { ImagePlus } from "lucide-react";
import { useRef, useState } from "react";
import { Avatar } from "../ui/Avatar";
import { Button } from "../ui/Button";
import { useFileDrop } from "./drops";
import { useEditing } from "./editing";
import { dataUrlOf } from "./file";

const MOST_BYTES = 20_000_000;

/** The picture: chosen or dropped, seen at once, sent with the rest. */
export function EditPicture() {
  const { character, card, picture, set, wrong } = useEditing();
  const [refused, setRefused] = useState<string | undefined>();
  const here = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const shown = picture ?? character?.avatar;
  const error = refused ?? wrong["picture"];

  async function take(file: File | undefined) {
    setRefused(undefined);
    if (!file) return;
    if (!file.type.startsWith("image/")) setRefused("This is no picture.");
    else if (file.size > MOST_BYTES) setRefused("A picture may have 20 MB at most.");
    else set({ picture: await dataUrlOf(file) });
  }

  useFileDrop(here, ([file]) => void take(file));

  return (
    <div ref={here} className="picture" role="group" aria-label="Picture" data-drops>
      <Avatar size="large" name={card.name || "·"} src={shown || null} />
      <div className="picture-words">
        <div className="editor-row">
          <Button
            onClick={() => input.current?.click()}
            aria-describedby="picture-told"
            aria-invalid={error ? true : undefined}
          >
            <ImagePlus size={18} /> {shown ? "Another picture" : "Choose a picture"}
          </Button>
          {shown && (
            <Button look="quiet" onClick={() => set({ picture: character?.avatar ? "" : undefined })}>
              Remove
            </Button>
          )}
        </div>
        <p id="picture-told" className={error ? "field-error" : "field-hint"} role={error ? "alert" : undefined}>
          {error ?? "PNG, JPEG, WebP or GIF, up to 20 MB. It can be dropped here, too."}
        </p>
      </div>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="Picture"
        accept="image/png,image/apng,image/jpeg,image/webp,image/gif"
        onChange={({ target }) => {
          void take(target.files?.[0]);
          target.value = "";
        }}
      />
    </div>
  );
}
