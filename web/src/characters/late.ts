import { useEffect, useState } from "react";

const TYPING_MS = 250;

/** A text as it is once one pauses to type. */
export function useLate(text: string): string {
  const [late, setLate] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(text), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return late;
}
