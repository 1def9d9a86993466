import { Link } from "wouter";
import { EmptyState } from "../ui/EmptyState";
import { Screen } from "./Screen";

export default function Nowhere() {
  return (
    <Screen title="Nothing here">
      <EmptyState
        title="There is no such page"
        actions={
          <Link className="button" href="/">
            To the beginning
          </Link>
        }
      >
        It may have been deleted, or it belongs to somebody else.
      </EmptyState>
    </Screen>
  );
}
