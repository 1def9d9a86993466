import { useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { answer, api } from "../api/client";
import { told } from "../api/refusal";
import { toast } from "../ui/toasts";

/** Begins a conversation with a character and goes there. */
export function useStart() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return async (character: string, greeting = 0) => {
    try {
      const conversation = await answer(api.POST("/api/conversations/", { body: { character, greeting } }));
      client.setQueryData(["conversation", conversation.id], conversation);
      void client.invalidateQueries({ queryKey: ["conversations"] });
      navigate(`/c/${conversation.id}`);
    } catch (error) {
      toast(told(error), "danger");
    }
  };
}
