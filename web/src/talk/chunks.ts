import type { UIMessageChunk } from "ai";

/** The stream ended before the answer did: it may be going on, and can be asked for again. */
export class CutOff extends Error {
  constructor() {
    super("The connection was lost.");
    this.name = "CutOff";
  }
}

/** The AI SDK's chunks out of server-sent events.
 *
 * What comes in one piece of the network is told as one: a replay of a long answer is a few chunks, not thousands.
 */
export function chunksOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<UIMessageChunk> {
  let rest = "";
  let done = false;
  const split = new TransformStream<string, UIMessageChunk>({
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const events = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6).trimEnd());
      done ||= events.includes("[DONE]");
      const chunks = events.filter((event) => event !== "[DONE]").map((event) => JSON.parse(event) as UIMessageChunk);
      for (const chunk of joined(chunks)) controller.enqueue(chunk);
    },
    flush(controller) {
      if (!done) controller.error(new CutOff());
    },
  });
  return stream.pipeThrough(new TextDecoderStream()).pipeThrough(split);
}

function joined(chunks: UIMessageChunk[]): UIMessageChunk[] {
  const told: UIMessageChunk[] = [];
  for (const chunk of chunks) {
    const last = told.at(-1);
    if (isDelta(chunk) && last && isDelta(last) && last.type === chunk.type && last.id === chunk.id)
      told[told.length - 1] = { ...last, delta: last.delta + chunk.delta };
    else told.push(chunk);
  }
  return told;
}

type Delta = Extract<UIMessageChunk, { type: "text-delta" | "reasoning-delta" }>;

function isDelta(chunk: UIMessageChunk): chunk is Delta {
  return chunk.type === "text-delta" || chunk.type === "reasoning-delta";
}
