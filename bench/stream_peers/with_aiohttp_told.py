"""FastAPI with aiohttp, for a page that uses the AI SDK: each event is read, and told again in that form."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from bench.stream_peers.people import User
from bench.stream_peers.with_aiohttp import MODEL_URL, Turn, lifespan

app = FastAPI(lifespan=lifespan)


def frame(chunk: dict[str, str]) -> str:
    return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"


@app.post("/chat")
async def chat(turn: Turn, user: User) -> StreamingResponse:
    payload = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": turn.content}]}

    async def told() -> AsyncIterator[str]:
        yield frame({"type": "start", "messageId": str(uuid4())})
        yield frame({"type": "text-start", "id": "1"})
        async with app.state.session.post(f"{MODEL_URL}/chat/completions", json=payload) as response:
            response.raise_for_status()
            async for line in response.content:
                data = line.removeprefix(b"data: ").strip()
                choices = json.loads(data)["choices"] if data and data != b"[DONE]" else []
                if choices and (words := choices[0]["delta"].get("content")):
                    yield frame({"type": "text-delta", "id": "1", "delta": words})
        yield frame({"type": "text-end", "id": "1"})
        yield frame({"type": "finish"})
        yield "data: [DONE]\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")
