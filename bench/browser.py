"""The page in Debian's Chromium, over a server of its own: what `bench.page` measures and `bench.screenshots` shows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from bench.ground import application
from config.local.page import WEB, build
from config.local.terminal import Refused
from tests.ai_server import AIServer


class Stage(NamedTuple):
    url: str
    ai: AIServer
    browser: Browser


@contextmanager
def stage() -> Iterator[Stage]:
    """A built page, served on an empty database with the demo account in it; the model is scripted."""
    try:
        build(WEB)
    except Refused as refusal:
        raise SystemExit(str(refusal)) from None
    told = {"ALLOWED_HOSTS": "127.0.0.1", "AI_MODEL": "a-model", "DEMO": "on", "AI_CONTEXT_TOKENS": "8192"}
    # It is Playwright's loop that Django sees in this thread, and it stands still meanwhile.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with AIServer() as ai, application(AI_BASE_URL=ai.url, **told):
        from django.core.management import call_command

        from tests.online import Server
        from tests.page import find_chromium

        with open(os.devnull, "w") as nowhere:
            call_command("demo", stdout=nowhere)
        with Server() as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            yield Stage(server.url, ai, browser)
            browser.close()
            server.settle()
        from django.db import connection

        connection.close()


def visit(stage: Stage, device: str = "desktop", **options: Any) -> Any:
    """The demo user on a device: a `tests.page.Visitor`."""
    from apps.accounts.demo import EMAIL
    from apps.accounts.models import User
    from tests.page import DEVICES, Visitor

    context = stage.browser.new_context(**{"locale": "en-GB", **DEVICES[device], **options})
    return Visitor(context, stage.url, device).is_signed_in_as(User.objects.get(email=EMAIL))
