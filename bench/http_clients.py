"""What the HTTP client adds to a token: aiohttp, httpx2 and the openai SDK on the same streams.

    python -m venv /tmp/clients && /tmp/clients/bin/pip install aiohttp httpx2 openai uvicorn
    /tmp/clients/bin/python bench/http_clients.py [--streams 200] [--rate 20] [--seconds 5] [--rounds 3]

One process reads all streams at once; another sends them, on loopback. Each token carries the time it was sent, so its
delay is the time of its receipt minus that: the client's share plus the socket's, which is the same for all. Rounds of
the clients take turns; the table shows medians over rounds. A client that is not installed is left out."""

import argparse
import asyncio
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

BODY = {"model": "m", "messages": [{"role": "user", "content": "Go"}], "stream": True}
Reader = Callable[[str, list[float]], Awaitable[None]]


def serve(rate: float, tokens: int) -> None:
    """The other process: every POST gets so many tokens at that rate. Prints its port; ends when its input does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                due = time.perf_counter()
                for number in range(tokens):
                    due += 1 / rate
                    await asyncio.sleep(due - time.perf_counter())
                    writer.write(chunk(frame(str(time.perf_counter()), "stop" if number == tokens - 1 else None)))
                writer.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(main())


def frame(text: str, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n".encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def heard(line: bytes | str, delays: list[float]) -> None:
    """Read one line as every client must; perf_counter is one clock for all processes of a Linux machine."""
    now = time.perf_counter()
    data = line[6:].strip()
    if data and data not in (b"[DONE]", "[DONE]"):
        delays.append(now - float(json.loads(data)["choices"][0]["delta"]["content"]))


async def with_aiohttp(streams: int) -> AsyncIterator[Reader]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def read(url: str, delays: list[float]) -> None:
            async with session.post(f"{url}/chat/completions", json=BODY) as response:
                rest = b""
                while data := await response.content.readany():
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        heard(line, delays)

        yield read


async def with_httpx2(streams: int) -> AsyncIterator[Reader]:
    import httpx2

    limits = httpx2.Limits(max_connections=streams, max_keepalive_connections=streams)
    async with httpx2.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def read(url: str, delays: list[float]) -> None:
            async with client.stream("POST", f"{url}/chat/completions", json=BODY) as response:
                async for line in response.aiter_lines():
                    heard(line, delays)

        yield read


async def with_openai(streams: int) -> AsyncIterator[Reader]:
    import openai

    async with openai.AsyncOpenAI(api_key="none", base_url="http://127.0.0.1", max_retries=0) as client:

        async def read(url: str, delays: list[float]) -> None:
            here = client.with_options(base_url=url)
            messages = [{"role": "user", "content": "Go"}]
            async for piece in await here.chat.completions.create(model="m", messages=messages, stream=True):
                now = time.perf_counter()
                delays.append(now - float(piece.choices[0].delta.content))

        yield read


CLIENTS = {"aiohttp": with_aiohttp, "httpx2": with_httpx2, "openai": with_openai}


def round_of(name: str, url: str, streams: int) -> tuple[list[float], float]:
    """The delays in seconds, and the CPU seconds that this process took for each 1,000 tokens."""

    async def main() -> tuple[list[float], float]:
        delays: list[float] = []
        async for read in CLIENTS[name](streams):
            # Once unmeasured, for imports and connections.
            await asyncio.gather(*(read(url, []) for _ in range(streams)))
            began = time.process_time()
            await asyncio.gather(*(read(url, delays) for _ in range(streams)))
            spent = time.process_time() - began
        return delays, spent / len(delays) * 1000

    return asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20, help="tokens a second and stream")
    parser.add_argument("--seconds", type=float, default=5, help="how long a stream lasts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    tokens = max(1, int(given.rate * given.seconds))
    if given.serve:
        serve(given.rate, tokens)
        return

    names = [name for name in CLIENTS if importlib.util.find_spec(name)]
    for name in CLIENTS.keys() - set(names):
        print(f"{name} is not installed and is left out.")
    command = [sys.executable, __file__, "--serve", "--rate", str(given.rate), "--seconds", str(given.seconds)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        measured: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name in names}
        for number in range(given.rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                delays, cpu = round_of(name, url, given.streams)
                centiles = statistics.quantiles(delays, n=100)
                measured[name].append((centiles[49] * 1000, centiles[98] * 1000, cpu, len(delays)))
    finally:
        server.stdin.close()
        server.wait(10)

    print(f"{given.streams} streams of {given.rate:g} tokens a second, {tokens} tokens each, {given.rounds} rounds")
    print("\n| client | median delay, ms | 99th centile, ms | CPU s per 1,000 tokens | tokens a round |")
    print("|---|---|---|---|---|")
    for name, rounds in measured.items():
        middle, late, cpu, count = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(f"| {name} | {middle:.2f} | {late:.2f} | {cpu:.3f} | {count:.0f} |")


if __name__ == "__main__":
    main()
