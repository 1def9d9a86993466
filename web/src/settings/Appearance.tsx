import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { chooseTheme, chosenTheme, type Theme } from "../shell/theme";
import { Section } from "./Section";

const LOOKS: { theme: Theme; label: string; about: string; icon: typeof Sun }[] = [
  {
    theme: "system",
    label: "As the system",
    about: "Light by day and dark by night, where your device is so.",
    icon: Monitor,
  },
  { theme: "light", label: "Light", about: "Ink on paper.", icon: Sun },
  { theme: "dark", label: "Dark", about: "By lamplight.", icon: Moon },
];

export default function Appearance() {
  const [chosen, setChosen] = useState(chosenTheme());
  return (
    <Section title="Light or dark" about="It is kept on this device.">
      <fieldset className="looks">
        <legend className="visually-hidden">Light or dark</legend>
        {LOOKS.map(({ theme, label, about, icon: Icon }) => (
          <label key={theme} className="look">
            <input
              type="radio"
              name="theme"
              value={theme}
              checked={theme === chosen}
              onChange={() => {
                setChosen(theme);
                chooseTheme(theme);
              }}
            />
            <Icon aria-hidden="true" />
            <span>
              <strong>{label}</strong>
              <span className="look-about">{about}</span>
            </span>
          </label>
        ))}
      </fieldset>
    </Section>
  );
}
