import { told } from "../api/refusal";
import { Button } from "./Button";
import { EmptyState } from "./EmptyState";

/** What stands where something could not be loaded. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div role="alert">
      <EmptyState title="This did not load" actions={onRetry && <Button onClick={onRetry}>Try again</Button>}>
        {told(error)}
      </EmptyState>
    </div>
  );
}
