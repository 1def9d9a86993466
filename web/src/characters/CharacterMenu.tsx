import { useQueryClient } from "@tanstack/react-query";
import { Copy, Ellipsis, FileDown, Flag, Pencil, Trash2 } from "lucide-react";
import { useLocation } from "wouter";
import { answer, api } from "../api/client";
import { told } from "../api/refusal";
import { Menu, type MenuItem } from "../ui/Menu";
import { toast } from "../ui/toasts";
import { useRemoveCharacter, type Character } from "./list";
import { called } from "./names";

const FORMS = [
  ["png", "Export as a picture (PNG)"],
  ["charx", "Export with all files (CHARX)"],
  ["json-v3", "Export as JSON, version 3"],
  ["json-v2", "Export as JSON, version 2"],
] as const;

type CharacterMenuProps = { character: Character; onReport: () => void; onGone: () => void };

/** What can be done with a character beside talking to it. */
export function CharacterMenu({ character, onReport, onGone }: CharacterMenuProps) {
  const { id, name, mine } = character;
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const remove = useRemoveCharacter();
  const whole = mine || character.prompt_visible;

  async function duplicate() {
    try {
      const copy = await answer(api.POST("/api/characters/{id}/duplicate/", { params: { path: { id } } }));
      client.setQueryData(["character", copy.id], copy);
      void client.invalidateQueries({ queryKey: ["characters"] });
      toast(`A copy of ${called(name)}, yours alone.`);
      navigate(`/characters/${copy.id}/edit`);
    } catch (error) {
      toast(told(error), "danger");
    }
  }

  const groups: MenuItem[][] = [];
  if (whole) {
    groups.push([{ label: "Duplicate", icon: <Copy />, onSelect: () => void duplicate() }]);
    groups.push(
      FORMS.map(([as, label]) => ({
        label,
        icon: <FileDown />,
        href: `/api/characters/${id}/export/?as=${as}`,
        download: true,
      })),
    );
  }
  if (mine) {
    groups[0]?.unshift({ label: "Edit", icon: <Pencil />, onSelect: () => navigate(`/characters/${id}/edit`) });
    groups.push([
      {
        label: "Delete",
        icon: <Trash2 />,
        danger: true,
        onSelect: () => {
          remove(character);
          onGone();
        },
      },
    ]);
  } else groups.push([{ label: "Report", icon: <Flag />, danger: true, onSelect: onReport }]);
  return <Menu label={`More for ${called(name)}`} icon={<Ellipsis />} groups={groups} />;
}
