"""FastAPI with the openai SDK, as its own examples stream."""

import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel

from bench.stream_peers.people import User

client = AsyncOpenAI(base_url=os.environ["AI_BASE_URL"], api_key="none")


class Turn(BaseModel):
    content: str


app = FastAPI()


@app.post("/chat")
async def chat(turn: Turn, user: User) -> StreamingResponse:
    async def relayed() -> AsyncIterator[str]:
        stream = await client.chat.completions.create(
            model="bench", messages=[{"role": "user", "content": turn.content}], stream=True
        )
        async for chunk in stream:
            yield f"data: {chunk.model_dump_json()}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(relayed(), media_type="text/event-stream")
