import { CardLine, CardText } from "./CardFields";

/** All else that the model is told of somebody. */
export function EditDepth() {
  return (
    <>
      <p className="editor-about">None of this is needed. It helps where the description alone does not.</p>
      <CardLine name="nickname" label="Nickname" max={200} hint="What {{char}} stands for, if it is not the name." />
      <CardText name="personality" label="Personality" hint="In a few words." placeholder="dry, patient, curious" />
      <CardText name="scenario" label="Scenario" hint="Where they are, and how they come to talk." />
      <CardText
        name="example_dialogue"
        label="Example dialogue"
        hint="How they speak. Each example begins with a line <START>."
        placeholder={"<START>\n{{user}}: Who lit the lamp?\n{{char}}: I did. Nobody else is left who would."}
      />
      <CardText
        name="system_prompt"
        label="System prompt"
        hint="Instructions for the model, in place of the server’s own. {{original}} puts those in."
      />
      <CardText
        name="post_history_instructions"
        label="Instructions at the end"
        hint="Told after all that was said, where models heed it most."
      />
    </>
  );
}
