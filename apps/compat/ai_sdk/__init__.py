"""The routes that the AI SDK's `DefaultChatTransport` uses by itself, so that `useChat` needs no code of ours."""
