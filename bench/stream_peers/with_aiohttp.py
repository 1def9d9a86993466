"""FastAPI with aiohttp: bytes are passed on as they come, and never looked at."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from bench.stream_peers.people import User

MODEL_URL = os.environ["AI_BASE_URL"]


class Turn(BaseModel):
    content: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        app.state.session = session
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/chat")
async def chat(turn: Turn, user: User) -> StreamingResponse:
    payload = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": turn.content}]}

    async def relayed() -> AsyncIterator[bytes]:
        async with app.state.session.post(f"{MODEL_URL}/chat/completions", json=payload) as response:
            response.raise_for_status()
            async for piece in response.content.iter_any():
                yield piece

    return StreamingResponse(relayed(), media_type="text/event-stream")
