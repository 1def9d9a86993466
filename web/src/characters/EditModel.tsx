import { useEditing } from "./editing";
import { ModelFields } from "./ModelFields";

/** Which model speaks for somebody, and how freely. */
export default function EditModel() {
  const { card, set, wrong } = useEditing();
  return (
    <>
      <p className="editor-about">What is left blank is as the server has it. A conversation may say otherwise.</p>
      <ModelFields values={card} otherwise="The server’s own" wrong={wrong} onChange={set} />
    </>
  );
}
