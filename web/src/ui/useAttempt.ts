import { useState } from "react";
import { isRefusal, told } from "../api/refusal";

/** Something that is asked of the server by a button or a form: whether it is under way, and what was wrong with it. */
export function useAttempt() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  /** True where it was done. */
  async function attempt(what: () => Promise<unknown>): Promise<boolean> {
    setBusy(true);
    setError(null);
    try {
      await what();
      return true;
    } catch (error) {
      setError(error);
      return false;
    } finally {
      setBusy(false);
    }
  }

  const fields = isRefusal(error) ? error.fields : {};
  return {
    busy,
    attempt,
    fields,
    /** What is wrong with no field of these: it has to be told by itself. */
    otherThan: (...names: string[]) =>
      error !== null && !names.some((name) => fields[name] !== undefined) ? told(error) : null,
  };
}
