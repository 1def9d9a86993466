"""MCP's own SDK, over the guarded way out."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from apps.api.outbound import httpx_transport
from apps.api.outbound.client import Outbound
from apps.api.outbound.errors import AddressRefused, OutboundError, Redirected, TooBig
from apps.api.outbound.limits import Limits
from tests.mcp_server import ToolServer
from tests.outbound_server import led_to
from tests.sentinel import replying, serving

LIMITS = Limits(whole=20)


@pytest.fixture(scope="module", params=[False, True], ids=["streams", "json"])
def tools(request: pytest.FixtureRequest) -> Iterator[ToolServer]:
    with ToolServer(as_json=request.param) as server:
        yield server


@asynccontextmanager
async def speaking_to(port: int, mode: str = "auto", limits: Limits = LIMITS) -> AsyncIterator[Client]:
    outbound = led_to("127.0.0.1", port)
    async with httpx_transport.client(outbound, limits, {"Authorization": "Bearer a"}) as http_client:
        transport = streamable_http_client(f"http://inner.example:{port}/mcp", http_client=http_client)
        async with Client(transport, mode=mode, read_timeout_seconds=10) as client:  # type: ignore[arg-type]
            yield client


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_tools_are_listed_and_called(tools: ToolServer, mode: str) -> None:
    async with speaking_to(tools.port, mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools][:3] == ["add", "repeat", "count"]
        answers = [await client.call_tool("add", {"a": number, "b": 1}) for number in range(3)]
        assert [answer.content[0].text for answer in answers] == ["1", "2", "3"]  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_progress_comes_along() -> None:
    seen = list[float]()

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    with ToolServer() as tools:
        async with speaking_to(tools.port) as client:
            await client.call_tool("count", {"to": 3}, progress_callback=on_progress)
    assert seen == [1, 2, 3]


async def trouble(client: httpx2.AsyncClient, url: str) -> httpx2.TransportError:
    with pytest.raises(httpx2.TransportError) as raised:
        await client.post(url, json={})
    return raised.value


@pytest.mark.asyncio
async def test_what_is_refused_is_refused_to_the_sdk(tools: ToolServer) -> None:
    async with httpx_transport.client(Outbound(), LIMITS) as http_client:
        url = f"http://127.0.0.1:{tools.port}/mcp"
        with pytest.raises((BaseExceptionGroup, httpx2.TransportError)) as refused:
            async with Client(streamable_http_client(url, http_client=http_client), mode="legacy"):
                pass
        assert isinstance(httpx_transport.reason(refused.value), AddressRefused)
        error = await trouble(http_client, url)
        assert isinstance(error, httpx2.ConnectError)
        assert isinstance(error.__cause__, OutboundError)
        assert str(error) == str(error.__cause__)


@pytest.mark.asyncio
async def test_an_answer_that_is_too_long_ends_its_session() -> None:
    with ToolServer(as_json=True) as tools:
        # MCP's SDK takes a body that breaks off for the end of everything.
        with pytest.raises(BaseExceptionGroup) as raised:
            async with speaking_to(tools.port, limits=Limits(answer_bytes=50_000)) as client:
                await client.call_tool("repeat", {"text": "x", "times": 100_000})
        assert isinstance(httpx_transport.reason(raised.value), TooBig)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 307 Moved\r\nLocation: /mcp/\r\nContent-Length: 0\r\n\r\n", Redirected),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n" + b" " * 99999,
            TooBig,
        ),
    ],
)
async def test_errors_are_httpxs_with_ours_inside(answer: bytes, error: type[OutboundError]) -> None:
    async with serving(replying(answer)) as port:
        outbound = led_to("127.0.0.1", port)
        async with httpx_transport.client(outbound, Limits(answer_bytes=1000)) as client:
            raised = await trouble(client, f"http://inner.example:{port}/mcp")
    assert isinstance(raised, httpx2.RemoteProtocolError)
    assert isinstance(raised.__cause__, error)
    assert httpx_transport.reason(raised) is raised.__cause__
    assert httpx_transport.reason(ValueError()) is None
