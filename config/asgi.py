"""The ASGI application: Django's own handler, with all synchronous work on one bounded pool of threads.

Stock Django under ASGI starts a thread a request and a database connection with it. Here a request is one trip to
the pool (`apps.api.threads`): middleware, view and rendering run there together. Streams, and answers that wait for
the model, are then awaited on the event loop, holding neither a thread nor a connection.
"""

import asyncio
import gc
import io
import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from typing import IO, Any, cast

import django
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections, connections
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from apps.api.middleware import BODY_TOO_LARGE, PROBES  # noqa: E402  # needs the settings
from apps.api.responses import AwaitedResponse  # noqa: E402
from apps.api.threads import POOL, PROBE_POOL, in_pool  # noqa: E402
from apps.chat import runtime  # noqa: E402
from apps.compat.better_auth import cookies  # noqa: E402
from apps.knowledge import backfill, embeddings  # noqa: E402

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What a request leaves behind goes with its last reference. For the few cycles in it, Python would have the collector
# look with nearly every request.
GARBAGE = (10_000, 20, 20)

# For the ends of answers to reach who waits for them, once they are saved.
LAST_WORDS_SECONDS = 2.0

# Each request hands its connection back itself (`respond`): there are no old ones to look for before it and after.
signals.request_started.disconnect(close_old_connections)
signals.request_finished.disconnect(close_old_connections)


class PooledHandler(ASGIHandler):
    def __init__(self) -> None:
        # Not ASGIHandler's own: that would load the middleware in its asynchronous form.
        super(ASGIHandler, self).__init__()
        self.load_middleware(is_async=False)
        # Requests whose responses go on without a thread.
        self.following: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            await self.handle(scope, receive, send)
        else:
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")

    async def lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await runtime.start()
                # What is there now stays: it need not be looked through for garbage again and again.
                gc.collect()
                gc.freeze()
                gc.set_threshold(*GARBAGE)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await runtime.stop()
                await backfill.stop()
                await embeddings.close()
                await in_pool(cookies.close)
                if self.following:
                    await asyncio.wait(self.following, timeout=LAST_WORDS_SECONDS)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive, body_limit(scope["path"]), declared=content_length(scope))
        except RequestAborted:
            return
        try:
            pool = PROBE_POOL if scope["path"].rstrip("/") in PROBES else POOL
            response = await in_pool(self.respond, scope, body, pool=pool)
            if isinstance(response, AwaitedResponse | StreamingHttpResponse):
                await self.follow(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            if body is not None:
                body.close()

    async def follow(
        self, response: AwaitedResponse[Any] | StreamingHttpResponse, receive: Receive, send: Send
    ) -> None:
        """What goes on after the thread has let go of it: until its end, or until the client is gone."""
        request = cast("asyncio.Task[Any]", asyncio.current_task())
        self.following.add(request)
        request.add_done_callback(self.following.discard)
        work = asyncio.ensure_future(self._finish(response, send))
        try:
            await unless_gone(receive, work)
        except asyncio.CancelledError:
            # The server's grace is over. It ends every answer next (`lifespan`), and who waits for one is still told.
            await asyncio.wait({work})
        finally:
            await in_pool(response.close)

    async def _finish(self, response: AwaitedResponse[Any] | StreamingHttpResponse, send: Send) -> None:
        if isinstance(response, StreamingHttpResponse):
            await self.send_stream(response, send)
        else:
            await response.arrive()
            if response.stream is not None:
                await self.send_stream(response.stream, send)
            else:
                await self.send_response(response, send)

    async def read_body(  # type: ignore[override]  # a body that is too large is told apart
        self, receive: Receive, limit: int, declared: int = 0
    ) -> IO[bytes] | None:
        """The body, spooled to disk as Django does; None where it is larger than `limit`, however it was sent."""
        if declared > limit:
            return None
        body = tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE, mode="w+b")  # noqa: SIM115
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                body.close()
                raise RequestAborted()
            size += len(message.get("body", b""))
            if size > limit:
                body.close()
                return None
            body.write(message.get("body", b""))
            more = message.get("more_body", False)
        body.seek(0)
        return body

    def respond(self, scope: Any, body: IO[bytes] | None) -> HttpResponseBase:
        """Everything that is synchronous about a request; its connection is handed back before this returns."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        try:
            request, refusal = self.create_request(scope, io.BytesIO() if body is None else body)
            if request is None:
                assert refusal is not None
                refusal.close()
                return refusal
            request.META[BODY_TOO_LARGE] = body is None
            if body is not None and (size := size_of(body)):
                # Sent in chunks, it came without its length, and would be taken for none at all.
                request.META["CONTENT_LENGTH"] = str(size)
            response = self.get_response(request)
            response._handler_class = self.__class__  # type: ignore[attr-defined]  # as Django's own handlers do
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
            if isinstance(response, StreamingHttpResponse):
                # A stream may last for minutes, and needs nothing of what asked for it.
                response._resource_closers.remove(request.close)  # type: ignore[attr-defined]
                request.close()
                if body is not None:
                    body.close()
            elif not isinstance(response, AwaitedResponse):
                response.close()
        finally:
            # A response that goes on without us must not take a connection along.
            connections.close_all()
        return response

    async def send_response(self, response: Any, send: Send) -> None:
        if not response.streaming and response.status_code not in (204, 304) and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        await super().send_response(response, send)

    async def send_stream(self, response: StreamingHttpResponse, send: Send) -> None:
        """Each piece as it comes. Django's own way leads it through three more generators."""
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers_of(response)})
        pieces = response._iterator if response.is_async else read_in_pool(response)  # type: ignore[attr-defined]
        try:
            async for piece in pieces:
                if piece:
                    body = response.make_bytes(piece)
                    await send({"type": "http.response.body", "body": body, "more_body": True})
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()
        await send({"type": "http.response.body"})


def headers_of(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    cookies = [("Set-Cookie", morsel.output(header="").strip()) for morsel in response.cookies.values()]
    return [(name.encode("ascii"), value.encode("latin1")) for name, value in [*response.items(), *cookies]]


async def read_in_pool(response: StreamingHttpResponse) -> AsyncGenerator[bytes]:
    """Files and other plain iterators: each piece is read on a pool thread."""
    content = cast(Iterator[bytes], response.streaming_content)
    while piece := await in_pool(next, content, b""):
        yield piece


def body_limit(path: str) -> int:
    """How many bytes a body may have there."""
    imports = settings.IMPORT_PATHS.fullmatch(path)
    return settings.IMPORT_MAX_SIZE if imports else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def size_of(body: IO[bytes]) -> int:
    size = body.seek(0, io.SEEK_END)
    body.seek(0)
    return size


def content_length(scope: Any) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0


async def unless_gone(receive: Receive, work: "asyncio.Future[None]") -> None:
    """Await `work`, giving it up when the client goes away first."""
    gone = asyncio.ensure_future(receive())
    try:
        either: set[asyncio.Future[Any]] = {work, gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if work.done():
        work.result()
    else:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


application = PooledHandler()
