// The AI SDK's own chat, as `useChat` runs it, against a server of ours: node chat.mjs SCENE URL TOKEN CONVERSATION
// Prints one line of JSON: what came of it. A line "reading" before that: the answer has begun to arrive.

import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, validateUIMessages } from "ai";

const [scene, url, token, id] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const api = `${url}/api/chat`;

async function history() {
  const response = await fetch(`${api}/${id}/messages`, { headers });
  const { results } = await response.json();
  return results.length ? validateUIMessages({ messages: results }) : [];
}

function begin(messages, chat = id) {
  return new Chat({ id: chat, messages, transport: new DefaultChatTransport({ api, headers }) });
}

const textOf = (message) => message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
const texts = (chat) => chat.messages.map((message) => `${message.role}: ${textOf(message)}`);

// What can be compared with what the server tells: neither what is not there nor names of parts within a stream.
const plain = (messages) =>
  JSON.parse(JSON.stringify(messages.map(({ id, role, parts }) => ({ id, role, parts })))).map((message) => ({
    ...message,
    parts: message.parts.map(({ id, ...part }) => part),
  }));

async function arriving(chat, words) {
  while (!chat.messages.some((message) => message.role === "assistant" && textOf(message).includes(words))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const scenes = {
  async talk() {
    const chat = begin(await history());
    await chat.sendMessage({ text: "Hello, Ada." });
    await chat.sendMessage({ text: "And now?" });
    const sent = chat.messages.filter((message) => message.role === "user").map((message) => message.id);
    return { texts: texts(chat), status: chat.status, sent, seen: plain(chat.messages), kept: plain(await history()) };
  },

  async rewrite() {
    const chat = begin(await history());
    await chat.sendMessage({ text: "One" });
    await chat.regenerate();
    const anew = texts(chat);
    const asked = chat.messages.at(-2).id;
    await chat.sendMessage({ text: "Two", messageId: asked });
    const edited = texts(chat);
    await chat.regenerate({ messageId: asked });
    await chat.sendMessage({ text: "Three", messageId: asked });
    await chat.sendMessage({ text: "Three", messageId: asked });
    return { anew, edited, last: texts(chat), status: chat.status };
  },

  // From what another page had loaded: there, messages are called by the server's ids.
  async reload() {
    const chat = begin(await history());
    const asked = chat.messages.at(-2).id;
    await chat.regenerate({ messageId: chat.messages.at(-1).id });
    await chat.sendMessage({ text: "Two", messageId: asked });
    await chat.regenerate();
    await chat.sendMessage({ text: "Three", messageId: asked });
    return { texts: texts(chat), error: chat.error?.message };
  },

  async fail() {
    const chat = begin(await history());
    await chat.sendMessage({ text: "Hello?" });
    const failed = { status: chat.status, error: chat.error.message };
    await chat.regenerate();
    return { failed, texts: texts(chat), status: chat.status };
  },

  async stranger() {
    const errors = [];
    for (const name of [id, "a-name-of-its-own"]) {
      const chat = begin([], name);
      await chat.sendMessage({ text: "Hello?" });
      errors.push(JSON.parse(chat.error.message).errors[0].code);
      await chat.resumeStream();
      errors.push(JSON.parse(chat.error.message).errors[0].code);
    }
    return errors;
  },

  async resume() {
    const first = begin(await history());
    const sending = first.sendMessage({ text: "Once?" });
    await arriving(first, "Once");
    await first.stop();
    await sending;
    const second = begin(await history());
    const reading = second.resumeStream();
    await arriving(second, "Once");
    console.log("reading");
    await reading;
    await second.resumeStream();
    return { texts: texts(second), status: second.status, kept: plain(await history()), seen: plain(second.messages) };
  },

  async stop() {
    const chat = begin(await history());
    const sending = chat.sendMessage({ text: "Once?" });
    await arriving(chat, "Once");
    const stopped = await fetch(`${api}/${id}/stop`, { method: "POST", headers });
    await sending;
    const { assistant_message: message } = await stopped.json();
    return { texts: texts(chat), status: chat.status, message: [message.id, message.status], last: chat.lastMessage.id };
  },
};

console.log(JSON.stringify(await scenes[scene]()));
