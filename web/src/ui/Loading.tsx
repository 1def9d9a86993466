import "./Loading.css";

/** Seen only by who waits longer than a moment. */
export function Loading({ label = "Loading" }: { label?: string }) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">{label}…</span>
      <i />
      <i />
      <i />
    </div>
  );
}
