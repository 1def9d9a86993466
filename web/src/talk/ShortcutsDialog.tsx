import "./ShortcutsDialog.css";
import { Dialog } from "../ui/Dialog";

const SHORTCUTS: [string, [string, string][]][] = [
  [
    "While you write",
    [
      ["Enter", "Send"],
      ["Shift Enter", "A new line"],
      ["↑", "In an empty line: say your last turn differently"],
    ],
  ],
  [
    "In what was said (Tab goes there)",
    [
      ["← →", "The version before or after of the last message; after the last answer, another one"],
      ["r", "Another answer"],
      ["g", "Go on"],
      ["End", "To the newest"],
      ["?", "This help"],
    ],
  ],
  [
    "Everywhere",
    [
      ["Esc", "Stop the answer; cancel an edit"],
      ["Ctrl Enter", "Send, or save an edit"],
      ["Ctrl K", "Search, and so does /"],
      ["Ctrl /", "This help"],
    ],
  ],
  [
    "In the list of conversations",
    [
      ["↑ ↓", "The one above or below"],
      ["→", "Its menu"],
      ["F2", "Rename"],
      ["Delete", "Delete; Ctrl Z takes it back"],
    ],
  ],
];

export default function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      {SHORTCUTS.map(([where, keys]) => (
        <section key={where} className="shortcuts">
          <h3>{where}</h3>
          <dl>
            {keys.map(([key, what]) => (
              <div key={key}>
                <dt>
                  {key.split(" ").map((each) => (
                    <kbd key={each}>{each}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
