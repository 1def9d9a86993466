"""What `docs/ai-sdk.md` shows, as it is written there: compiled with the types that the schema gives, and run."""

import re
import subprocess
from pathlib import Path

import pytest

from apps.accounts.models import User
from tests.ai_server import AIServer
from tests.factories import PASSWORD
from tests.npm import installed
from tests.online import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).parent.parent

# Ours is `dramatis.ts`, which is looked at; what packages say of themselves is their affair.
OPTIONS = (
    "--strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler --jsx react-jsx --types node"
)

# What the server says is taken for what the SDK wants, without a cast.
FITS = """
import type { UIMessage } from "ai";
import type { components } from "./dramatis";

export const fits = (page: components["schemas"]["PaginatedUIMessageList"]): UIMessage[] => page.results;
"""


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_examples_compile_and_run(tmp_path: Path, server: Server, alice: User, ai: AIServer) -> None:
    packages = installed("ai_sdk") / "node_modules"
    (tmp_path / "node_modules").symlink_to(packages)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    examples = dict(re.findall(r"```tsx?\n// (\S+)\n(.*?)```", (ROOT / "docs/ai-sdk.md").read_text(), re.DOTALL))
    assert set(examples) == {"Chat.tsx", "lean.ts", "talk.ts"}
    for name, code in {**examples, "fits.ts": FITS}.items():
        (tmp_path / name).write_text(code)
    schema = f"{server.url}/api/schema/"
    run(str(packages / ".bin/openapi-typescript"), schema, "--output", "dramatis.ts", folder=tmp_path)
    sources = (*examples, "fits.ts", "dramatis.ts")
    run(str(packages / ".bin/tsc"), *OPTIONS.split(), "--outDir", "out", *sources, folder=tmp_path)

    ai.says("Good evening.", pieces=["Good ", "evening."])
    printed = run("node", "out/talk.js", server.url, alice.email, PASSWORD, "Hello.", folder=tmp_path)
    told = printed.splitlines()
    assert '"text":"Good "' in told[-4] + told[-3] + told[-2]
    assert '"text":"Good evening.","state":"done"' in told[-1]
    assert ai.heard[0]["messages"][-1] == {"role": "user", "content": "Hello."}
