import { useState, type SubmitEvent } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { SESSION, useUser } from "../session/session";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { toast } from "../ui/toasts";
import { Wrong } from "../ui/Wrong";
import { Section } from "./Section";
import { useAttempt } from "../ui/useAttempt";

export default function Account() {
  return (
    <>
      <Name />
      <Password />
    </>
  );
}

function Name() {
  const user = useUser();
  const client = useQueryClient();
  const [name, setName] = useState(user.display_name);
  const { busy, attempt, fields, otherThan } = useAttempt();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const done = await attempt(async () => {
      await answer(api.PATCH("/api/auth/users/me/", { body: { display_name: name.trim() } }));
      await client.invalidateQueries({ queryKey: SESSION });
    });
    if (done) toast("Your name is saved.");
  }

  return (
    <Section title="Who you are" about={`You sign in as ${user.email}.`}>
      <form className="settings-form" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          hint="What characters call you, where a conversation says nothing else."
          autoComplete="nickname"
          maxLength={100}
          value={name}
          onChange={({ target }) => setName(target.value)}
          error={fields["display_name"]}
        />
        <Wrong>{otherThan("display_name")}</Wrong>
        <div>
          <Button type="submit" busy={busy} disabled={name.trim() === user.display_name}>
            Save
          </Button>
        </div>
      </form>
    </Section>
  );
}

function Password() {
  const { email } = useUser();
  const [before, setBefore] = useState("");
  const [after, setAfter] = useState("");
  const { busy, attempt, fields, otherThan } = useAttempt();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const body = { current_password: before, new_password: after };
    if (!(await attempt(() => answer(api.POST("/api/auth/users/set_password/", { body }))))) return;
    setBefore("");
    setAfter("");
    toast("Your password is changed.");
  }

  return (
    <Section
      title="Password"
      about="With another password you stay signed in here, and nowhere else. API keys go on working."
    >
      <form className="settings-form" onSubmit={(event) => void submit(event)}>
        {/* So that password managers know whose it is. */}
        <input type="hidden" autoComplete="username" value={email} />
        <TextField
          label="Present password"
          type="password"
          autoComplete="current-password"
          required
          maxLength={256}
          value={before}
          onChange={({ target }) => setBefore(target.value)}
          error={fields["current_password"]}
        />
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          maxLength={256}
          hint="Eight characters or more."
          value={after}
          onChange={({ target }) => setAfter(target.value)}
          error={fields["new_password"]}
        />
        <Wrong>{otherThan("current_password", "new_password")}</Wrong>
        <div>
          <Button type="submit" busy={busy}>
            Change the password
          </Button>
        </div>
      </form>
    </Section>
  );
}
