import { useState, type SubmitEvent } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { answer, api } from "../api/client";
import { Refusal, told } from "../api/refusal";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/EmptyState";
import { TextField } from "../ui/Field";
import { Door } from "./Door";
import { useSession, useSignIn } from "./session";
import { placeIn, text } from "./SignIn";

export default function SignUp() {
  const { data: session } = useSession();
  const signIn = useSignIn();
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wrong = error instanceof Refusal ? error.fields : {};

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [email, password] = [text(form, "email"), text(form, "password")];
    setBusy(true);
    setError(null);
    try {
      await answer(
        api.POST("/api/auth/users/", { body: { email, password, display_name: text(form, "display_name") } }),
      );
      await signIn(email, password);
      navigate(placeIn(search.get("next")), { replace: true });
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  }

  if (session?.registration === "closed")
    return (
      <Door title="Make an account">
        <EmptyState title="Nobody can sign up here">Ask whoever runs this server for an account.</EmptyState>
        <Link href="/sign-in">Sign in</Link>
      </Door>
    );
  return (
    <Door title="Make an account">
      <form onSubmit={(event) => void submit(event)}>
        <TextField
          label="What shall characters call you?"
          name="display_name"
          autoComplete="nickname"
          maxLength={100}
          error={wrong["display_name"]}
        />
        <TextField
          label="E-mail"
          name="email"
          type="email"
          autoComplete="username"
          required
          maxLength={254}
          error={wrong["email"]}
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          maxLength={256}
          hint="Eight characters or more."
          error={wrong["password"]}
        />
        {error !== null && Object.keys(wrong).length === 0 && (
          <p role="alert" className="field-error">
            {told(error)}
          </p>
        )}
        <Button type="submit" look="primary" busy={busy}>
          Make an account
        </Button>
      </form>
      <p>
        You have one? <Link href={`/sign-in${search.size ? `?${search}` : ""}`}>Sign in</Link>
      </p>
    </Door>
  );
}
