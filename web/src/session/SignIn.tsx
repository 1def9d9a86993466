import { useState, type SubmitEvent } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { told } from "../api/refusal";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Door } from "./Door";
import { useSession, useSignIn } from "./session";

export default function SignIn() {
  const { data: session } = useSession();
  const signIn = useSignIn();
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  async function enter(email: string, password: string) {
    setBusy(true);
    setError(null);
    try {
      await signIn(email, password);
      navigate(placeIn(search.get("next")), { replace: true });
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  }

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void enter(text(form, "email"), text(form, "password"));
  }

  const demo = session?.demo;
  return (
    <Door title="Sign in">
      {demo && (
        <div className="door-demo">
          <p>This is a local start. Look around with the demo account; its characters are waiting.</p>
          <Button look="primary" busy={busy} onClick={() => void enter(demo.email, demo.password)}>
            Enter as the demo user
          </Button>
        </div>
      )}
      <form onSubmit={submit}>
        <TextField label="E-mail" name="email" type="email" autoComplete="username" required maxLength={254} />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          maxLength={256}
        />
        {error !== null && (
          <p role="alert" className="field-error">
            {told(error)}
          </p>
        )}
        <Button type="submit" look={demo ? "plain" : "primary"} busy={busy}>
          Sign in
        </Button>
      </form>
      {session?.registration === "open" && (
        <p>
          New here? <Link href={`/sign-up${search.size ? `?${search}` : ""}`}>Make an account</Link>
        </p>
      )}
    </Door>
  );
}

/** Where to go then: a place of ours, whatever the address says. */
export function placeIn(next: string | null): string {
  return next?.startsWith("/") && new URL(next, location.origin).origin === location.origin ? next : "/";
}

export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
