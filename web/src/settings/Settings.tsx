import { useState } from "react";
import { useSignOut, useUser } from "../session/session";
import { chooseTheme, chosenTheme, THEMES } from "../shell/theme";
import { Screen } from "../shell/Screen";
import { Button } from "../ui/Button";
import { SelectField } from "../ui/Field";

export default function Settings() {
  const user = useUser();
  const signOut = useSignOut();
  const [theme, setTheme] = useState(chosenTheme());
  return (
    <Screen title="Settings" actions={<Button onClick={() => void signOut()}>Sign out</Button>}>
      <p>You are signed in as {user.email}.</p>
      <SelectField
        label="Light or dark"
        value={theme}
        onChange={({ target }) => {
          const chosen = THEMES.find((each) => each === target.value) ?? "system";
          setTheme(chosen);
          chooseTheme(chosen);
        }}
      >
        <option value="system">As the system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </SelectField>
    </Screen>
  );
}
