import { Chat } from "@ai-sdk/react";
import type { QueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { isRefusal, told } from "../api/refusal";
import { toast, undoable } from "../ui/toasts";
import { CutOff } from "./chunks";
import { askFor, keep, type Conversation } from "./conversation";
import { draftOf, keepDraft, keepSent, sentOf, type Sent } from "./drafts";
import { follows, loadPage, settled, withNewest, type Page, type TalkMessage, type Told } from "./messages";
import { tellTabs } from "./tabs";
import { GO_ON, newId, TalkTransport, type Line } from "./transport";

const PAGE = 50;
const MOST_PAGE = 100;

/** How long to wait after a stream was cut off, more each time. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

const NOTHING = { following: false, gone: null, hold: null };

type State = {
  line: Line;
  /** Leads to what was said before all that is loaded. */
  older: string | null;
  /** What was refused, and is not of one message. */
  problem: unknown;
  /** Waits for an answer that is being written already. */
  following: boolean;
  /** A message that is deleted as soon as nobody takes it back, with all that follows it. */
  gone: string | null;
  /** An answer as it was, while it is told anew from its beginning. */
  hold: TalkMessage | null;
  /** Text that did not arrive, and goes back to where it was typed. */
  returned: Sent | null;
};

/** All that a conversation's screen does with the server: what was said, what is being said, and what one can do. */
export class Talk {
  readonly chat: Chat<TalkMessage>;
  readonly id: string;
  readonly #client: QueryClient;
  readonly #watchers = new Set<() => void>();
  #state: State;
  #sent: Sent | null = null;
  #turn: Told | null = null;
  /** `updated_at` of the conversation, as of what is shown. */
  #seen: string | null = null;
  /** When the last turn's end was told: what was looked at until then is no newer than what is shown. */
  #toldAt = 0;
  #loading: Promise<void> | null = null;
  #pause = FIRST_PAUSE_MS;
  /** Has the deletion that waits done at once. */
  #settle: () => Promise<void> = () => Promise.resolve();
  #left = false;

  constructor(id: string, first: Page, client: QueryClient) {
    this.id = id;
    this.#client = client;
    this.#state = { line: "up", older: first.older, problem: null, returned: null, ...NOTHING };
    const onLine = (line: Line) => this.#set({ line });
    const onAccepted = () => this.#arrived();
    this.chat = new Chat<TalkMessage>({
      id,
      messages: first.messages,
      transport: new TalkTransport({ onLine, onAccepted }),
      onData: ({ type, data }) => {
        if (type === "data-turn") this.#turn = data as Told;
      },
      onError: (error) => void this.#fail(error),
      onFinish: () => void this.#end(),
    });
  }

  get busy(): boolean {
    return this.#state.following || this.chat.status === "submitted" || this.chat.status === "streaming";
  }

  readonly state = () => this.#state;

  readonly watch = (watcher: () => void) => {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  };

  /** Brings back what was sent when the page was left, and did not arrive. */
  readonly enter = () => {
    this.#left = false;
    const sent = sentOf(this.id);
    if (!sent) return;
    keepSent(this.id, null);
    if (!this.chat.messages.some(({ metadata }) => metadata?.client_id === sent.id)) this.#set({ returned: sent });
  };

  /** Stops reading; the answer is written to its end. */
  readonly leave = () => {
    this.#left = true;
    this.#seen = null;
    void this.chat.stop();
  };

  /** Looks whether something was done from elsewhere. `lookedAt`: when the server told this of the conversation. */
  readonly notice = (conversation: Conversation, lookedAt: number) => {
    if (this.busy || lookedAt <= this.#toldAt || this.#seen === conversation.updated_at) return;
    const news = this.#seen !== null || conversation.generating !== null;
    this.#seen = conversation.updated_at;
    if (news) void this.catchUp();
  };

  readonly send = async (text: string) => {
    const sent = { id: newId(), text };
    await this.#begin(sent);
    await this.chat.sendMessage({ id: sent.id, role: "user", parts: [{ type: "text", text }] });
  };

  /** Says something else in place of a turn; both stay, as versions of it. */
  readonly sayInstead = async (messageId: string, text: string) => {
    await this.#begin({ id: messageId, text });
    await this.chat.sendMessage({ text, messageId });
  };

  readonly regenerate = async (messageId: string) => {
    await this.#begin(null);
    await this.chat.regenerate({ messageId });
  };

  readonly goOn = async () => {
    await this.#begin(null);
    await this.#follow({ metadata: GO_ON });
  };

  readonly stop = async () => {
    try {
      if (this.#state.line === "up") {
        const path = { id: this.id };
        const { assistant_message } = await answer(api.POST("/api/chat/{id}/stop/", { params: { path } }));
        if (assistant_message) return;
      }
    } catch (error) {
      toast(told(error), "danger");
    }
    // It had not begun yet.
    await this.chat.stop();
    this.#giveBack();
  };

  /** One page more; who asks while it is on its way waits for the same one. */
  readonly loadOlder = (size = PAGE) => {
    this.#loading ??= this.#loadOlder(size).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  };

  /** Shows the branch that a message is on; what is shown then reaches back to it. */
  readonly switchTo = async (message: string) => {
    const path = { id: this.id };
    const body = { active_leaf: message };
    const latest = await answer(api.PATCH("/api/conversations/{id}/", { params: { path }, body }));
    this.#seen = latest.updated_at;
    const page = await loadPage(this.id, null, MOST_PAGE);
    while (page.older && !page.messages.some(({ id }) => id === message)) {
      const before = await loadPage(this.id, page.older, MOST_PAGE);
      page.messages.unshift(...before.messages);
      page.older = before.older;
    }
    this.#show(page);
    await keep(this.#client, latest);
    tellTabs(this.id);
  };

  /** Deletes a message and all that follows it, when nobody took that back. */
  readonly remove = (message: string) => {
    void this.#settle();
    let done = Promise.resolve();
    this.#set({ gone: message });
    const settle = undoable(
      "Deleted, with what followed.",
      (leaving) => {
        done = this.#removed(message, leaving);
        return done;
      },
      () => this.#set({ gone: null }),
    );
    this.#settle = () => {
      settle();
      return done;
    };
  };

  /** Has something done to a message, and shows what came of it. */
  readonly change = async (message: string, body: Schemas["PatchedMessageChangeRequest"]) => {
    const path = { id: this.id, message_pk: message };
    await answer(api.PATCH("/api/conversations/{id}/messages/{message_pk}/", { params: { path }, body }));
    tellTabs(this.id);
    await this.catchUp();
  };

  /** Loads what was said before until a message is there; false where it is not on this branch. */
  readonly reach = async (message: string) => {
    const here = () => this.chat.messages.some(({ id }) => id === message);
    while (!here() && this.#state.older) await this.loadOlder(MOST_PAGE);
    return here();
  };

  /** Shows what the server has now, and follows the answer that is being written, if one is. */
  readonly catchUp = async () => {
    try {
      const latest = await askFor(this.id);
      const page = await loadPage(this.id, null, PAGE);
      if (this.busy || this.#left) return;
      this.#seen = latest.updated_at;
      this.#show(page);
      await keep(this.#client, latest);
      if (latest.generating) await this.#follow();
    } catch {
      // Looked at again in a moment, as always.
      this.#seen = "";
    }
  };

  readonly dismiss = () => this.#set({ problem: null });

  async #loadOlder(size: number) {
    const { older } = this.#state;
    if (!older) return;
    const page = await loadPage(this.id, older, size);
    this.chat.messages = [...page.messages, ...this.chat.messages];
    this.#set({ older: page.older });
  }

  #set(change: Partial<State>) {
    this.#state = { ...this.#state, ...change };
    for (const watcher of this.#watchers) watcher();
  }

  async #begin(sent: Sent | null) {
    this.#sent = sent;
    if (sent) keepSent(this.id, sent);
    this.#set({ problem: null, returned: null });
    await this.#settle();
  }

  async #removed(message: string, leaving: boolean) {
    const path = { id: this.id, message_pk: message };
    try {
      const route = "/api/conversations/{id}/messages/{message_pk}/";
      await answer(api.DELETE(route, { params: { path }, keepalive: leaving }));
      tellTabs(this.id);
    } catch (error) {
      toast(told(error), "danger");
    }
    await this.catchUp();
    this.#set({ gone: null });
  }

  #show(page: Page) {
    const { messages, kept } = withNewest(this.chat.messages, page);
    this.chat.messages = messages;
    if (!kept) this.#set({ older: page.older });
  }

  /** An answer is told from its beginning: what is shown of it stays until there is more. */
  async #follow(options?: { metadata: typeof GO_ON }) {
    this.#set({ hold: this.chat.lastMessage ?? null, following: true });
    this.#turn = null;
    await this.chat.resumeStream(options);
    this.#set({ hold: null, following: false });
  }

  #arrived() {
    this.#sent = null;
    keepSent(this.id, null);
    tellTabs(this.id);
  }

  async #end() {
    const turn = this.#turn;
    this.#turn = null;
    if (this.#left) return;
    if (turn) {
      this.#pause = FIRST_PAUSE_MS;
      this.#toldAt = Date.now();
      this.chat.messages = settled(this.chat.messages, turn);
      await keep(this.#client, turn.conversation);
      // What was done meanwhile to other messages, from elsewhere, is shown with the next look.
      this.#toldAt = Date.now();
      this.#seen = "";
      tellTabs(this.id);
      if (!follows(this.chat.messages, turn)) await this.catchUp();
    } else this.#lookAgain();
  }

  #lookAgain() {
    this.#seen = "";
    void this.#client.invalidateQueries({ queryKey: ["conversation", this.id] });
  }

  async #fail(error: Error) {
    if (this.#left) return;
    const cut = error instanceof CutOff || error instanceof TypeError;
    // A failure that the server told is its message's own, and is shown there.
    const wasTold = this.#turn !== null;
    if (!cut && !wasTold) {
      this.#giveBack();
      if (isRefusal(error, "generation_in_progress")) toast("An answer is being written already.");
      else this.#set({ problem: error });
    }
    if (cut) {
      // So that it can be seen that something is amiss.
      this.#set({ following: true });
      await new Promise((resolve) => window.setTimeout(resolve, this.#pause));
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    } else await Promise.resolve(); // until the SDK is done with it
    this.chat.clearError();
    if (cut && !this.#hasLeft()) await this.#follow();
    if (!wasTold) await this.catchUp();
  }

  #hasLeft() {
    return this.#left;
  }

  #giveBack() {
    const sent = this.#sent;
    if (!sent) return;
    this.#sent = null;
    // Kept, whether or not there is something to write in now.
    if (!draftOf(this.id)) keepDraft(this.id, sent.text);
    keepSent(this.id, null);
    this.chat.messages = this.chat.messages.filter(({ id }) => id !== sent.id);
    this.#set({ returned: sent });
  }
}
