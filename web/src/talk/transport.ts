import { HttpChatTransport, type ChatTransport } from "ai";
import { isRefusal, Refusal, Unreachable } from "../api/refusal";
import { send } from "../api/send";
import { chunksOf } from "./chunks";
import type { TalkMessage } from "./messages";

/** Whether there is a line to the server; without one, what was asked is asked again by itself. */
export type Line = "up" | "down";

type Events = {
  onLine: (line: Line) => void;
  /** The server has what was sent: it is saved. */
  onAccepted: () => void;
};

const LONGEST_PAUSE_MS = 8_000;

/** Told to `resumeStream` as `metadata`: have more written of the last answer, and follow that. */
export const GO_ON = { goOn: true };

/** The AI SDK's way to our server: sends the last message only, and does not give up when the line breaks. */
export class TalkTransport extends HttpChatTransport<TalkMessage> {
  /** Or what was there already when the line broke would be told twice. */
  readonly resumeStreamIsReplay = true;
  readonly #events: Events;

  constructor(events: Events) {
    super({
      api: "/api/chat/",
      fetch: (input, init) => this.#persist(input, init),
      // Made once for all tries, so that none of them can double a turn.
      prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => ({
        headers: { "Idempotency-Key": newId() },
        body: { id, messages: messages.slice(-1), trigger, messageId },
      }),
      prepareReconnectToStreamRequest: ({ id }) => ({ api: `/api/chat/${id}/stream/` }),
    });
    this.#events = events;
  }

  override async sendMessages(options: Parameters<ChatTransport<TalkMessage>["sendMessages"]>[0]) {
    const stream = await super.sendMessages(options);
    this.#events.onAccepted();
    return stream;
  }

  override async reconnectToStream(options: Parameters<ChatTransport<TalkMessage>["reconnectToStream"]>[0]) {
    if (options.metadata !== GO_ON) return super.reconnectToStream(options);
    const response = await this.#persist(`/api/conversations/${options.chatId}/continue/`, {
      method: "POST",
      headers: { Accept: "text/event-stream", "Idempotency-Key": newId() },
      signal: options.abortSignal ?? null,
    });
    return response.body && this.processResponseStream(response.body);
  }

  // By ourselves, without the SDK's checks of what is our own server's: they would weigh more than all of this page.
  protected override processResponseStream(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    return chunksOf(stream);
  }

  async #persist(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    for (let pause = 500; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const response = await send(input, init);
        this.#events.onLine("up");
        return response;
      } catch (error) {
        const again = mayPass(error) && !init?.signal?.aborted;
        this.#events.onLine(again ? "down" : "up");
        if (!again) throw error;
        const wait = error instanceof Refusal && error.retryAfter ? error.retryAfter * 1000 : pause;
        try {
          await pauseFor(wait, init?.signal);
        } catch (gaveUp) {
          // Nothing is being tried any more.
          this.#events.onLine("up");
          throw gaveUp;
        }
      }
    }
  }
}

/** Whether nothing was done yet, and the next try may find things better. */
function mayPass(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  if (isRefusal(error, "database_unavailable") || isRefusal(error, "shutting_down")) return true;
  // A proxy's word, not ours: the server behind it is being started anew.
  return error instanceof Refusal && [502, 503, 504].includes(error.status) && error.errors.length === 0;
}

/** Ends early when the device is back on the net, and with an error when nobody waits any more. */
function pauseFor(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = () => {
      window.clearTimeout(timer);
      window.removeEventListener("online", over);
      signal?.removeEventListener("abort", over);
      if (signal?.aborted) reject(new DOMException("Nobody waits any more.", "AbortError"));
      else resolve();
    };
    const timer = window.setTimeout(over, milliseconds);
    window.addEventListener("online", over);
    signal?.addEventListener("abort", over);
  });
}

/** `crypto.randomUUID` is not there where the page came over plain HTTP from another machine. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
