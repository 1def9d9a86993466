import "./Avatar.css";
import { useState } from "react";

type AvatarProps = { name: string; src?: string | null | undefined; size?: "small" | "normal" | "large" };

/** A character's picture, or its initial. The name stands beside it, so it says nothing to those who cannot see it. */
export function Avatar({ name, src, size = "normal" }: AvatarProps) {
  const [broken, setBroken] = useState<string | null>(null);
  const initial = (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? "·").toUpperCase();
  return (
    <span className={`avatar avatar-${size}`} data-hue={hueOf(name)} aria-hidden="true">
      {src && src !== broken ? <img src={src} alt="" loading="lazy" onError={() => setBroken(src)} /> : initial}
    </span>
  );
}

/** One of six, always the same for a name. */
function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % 6;
}
