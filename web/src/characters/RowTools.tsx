import { ChevronDown, ChevronUp, Trash2 } from "lucide-react";
import { IconButton } from "../ui/Button";

type RowToolsProps = {
  /** What it is, as in “Remove greeting 2”. */
  name: string;
  row: number;
  rows: number;
  onMove: (to: number) => void;
  onRemove: () => void;
};

/** Up, down, away. */
export function RowTools({ name, row, rows, onMove, onRemove }: RowToolsProps) {
  return (
    <>
      <IconButton
        small
        data-tool="up"
        label={`Move ${name} up`}
        icon={<ChevronUp />}
        disabled={row === 0}
        onClick={() => onMove(row - 1)}
      />
      <IconButton
        small
        data-tool="down"
        label={`Move ${name} down`}
        icon={<ChevronDown />}
        disabled={row === rows - 1}
        onClick={() => onMove(row + 1)}
      />
      <IconButton small data-tool="remove" label={`Remove ${name}`} icon={<Trash2 />} onClick={onRemove} />
    </>
  );
}
