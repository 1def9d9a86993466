import { useQueryClient } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useLocation } from "wouter";
import { answer, api } from "../api/client";
import { forget, useUser } from "../session/session";
import { forgetDrafts } from "../talk/drafts";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Wrong } from "../ui/Wrong";
import { useAttempt } from "../ui/useAttempt";

/** There is no way back from it: it wants the password, and the e-mail typed by hand. */
export default function DeleteAccount({ onClose }: { onClose: () => void }) {
  const { email } = useUser();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [password, setPassword] = useState("");
  const [typed, setTyped] = useState("");
  const { busy, attempt, fields, otherThan } = useAttempt();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    await attempt(async () => {
      await answer(api.DELETE("/api/auth/users/me/", { body: { current_password: password } }));
      forgetDrafts();
      await forget(client);
      navigate("/sign-in", { replace: true });
    });
  }

  return (
    <Dialog
      title="Delete your account?"
      about={
        <>
          Everything that you have here goes with it: characters, conversations, what is remembered of you, API keys.
          Nobody can bring it back. If you may want any of it, <strong>export it first</strong>.
        </>
      }
      onClose={onClose}
    >
      <form className="dialog-form" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Your password"
          type="password"
          autoComplete="current-password"
          required
          maxLength={256}
          value={password}
          onChange={({ target }) => setPassword(target.value)}
          error={fields["current_password"]}
        />
        <TextField
          label={`Type ${email} to confirm`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
        <Wrong>{otherThan("current_password")}</Wrong>
        <DialogActions>
          <Button onClick={onClose}>Keep the account</Button>
          <Button
            type="submit"
            look="danger"
            busy={busy}
            disabled={typed.trim().toLowerCase() !== email.toLowerCase() || password === ""}
          >
            Delete it for good
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
