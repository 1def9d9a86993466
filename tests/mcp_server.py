"""A real MCP server over Streamable HTTP, by MCP's own SDK, in a thread."""

import asyncio
import socket
import threading
from typing import Any, Self

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings


class ToolServer:
    """`http://127.0.0.1:port/mcp`, under whatever host name. As JSON it answers with JSON, else with streams. With a
    `key` it answers to nobody else's `X-Key`."""

    def __init__(self, *, as_json: bool = False, key: str = "") -> None:
        server = MCPServer("Clockwork")

        @server.tool()
        def add(a: int, b: int) -> int:
            """Two numbers, together."""
            return a + b

        @server.tool()
        def repeat(text: str, times: int) -> str:
            """A text, again and again."""
            return text * times

        @server.tool()
        async def count(to: int, context: Context) -> str:
            """One by one."""
            for number in range(to):
                await context.report_progress(number + 1, to)
            return "done"

        @server.tool()
        def fail(because: str) -> str:
            """Nothing but trouble."""
            raise ToolError(because)

        @server.tool()
        async def wait() -> str:
            """For long."""
            await asyncio.sleep(60)
            return "at last"

        app = server.streamable_http_app(
            json_response=as_json,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            _locked(app, key) if key else app, log_config=None, ws="none", timeout_graceful_shutdown=1
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(15)
        self._socket.close()


def _locked(app: Any, key: str) -> Any:
    async def locked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or (b"x-key", key.encode()) in scope["headers"]:
            await app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"who are you?"})

    return locked
