import "./Button.css";
import type { ComponentProps, ReactNode } from "react";

type Look = "plain" | "primary" | "quiet" | "danger";

type ButtonProps = ComponentProps<"button"> & { look?: Look; busy?: boolean };

export function Button({ look = "plain", busy = false, className = "", disabled, ...rest }: ButtonProps) {
  const name = `button button-${look} ${className}`;
  return <button type="button" className={name} disabled={disabled || busy} aria-busy={busy} {...rest} />;
}

type IconButtonProps = ComponentProps<"button"> & { label: string; icon: ReactNode; small?: boolean };

/** A button that is a picture; its label is for those who do not see it, and the tooltip of those who do. */
export function IconButton({ label, icon, small = false, className = "", ...rest }: IconButtonProps) {
  const name = `icon-button ${small ? "icon-button-small" : ""} ${className}`;
  return (
    <button type="button" className={name} aria-label={label} title={label} {...rest}>
      {icon}
    </button>
  );
}
