import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { Screen } from "../shell/Screen";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";

export default function Talk({ id }: { id: string }) {
  const talk = useQuery({
    queryKey: ["conversation", id],
    queryFn: () => answer(api.GET("/api/conversations/{id}/", { params: { path: { id } } })),
  });
  if (talk.error) return <Problem error={talk.error} onRetry={() => void talk.refetch()} />;
  if (!talk.data) return <Loading />;
  return <Screen title={talk.data.title || talk.data.character_name}>{talk.data.last_message_preview}</Screen>;
}
