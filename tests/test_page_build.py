"""How a start builds the page: once for the same sources, and never in the way of the API."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.local.page import WEB, PageBuild, build, main, sum_of_sources
from config.local.terminal import Refused

NPM = """#!/bin/sh
echo "$*" >> "{heard}"
case " $* " in
    *" ci "*) rm -rf node_modules; mkdir node_modules;;
    *" build "*) {build};;
esac
"""
BUILD = "rm -rf dist; mkdir dist; echo '<!doctype html>' > dist/index.html"


class Node:
    """What stands in for Node and npm on the PATH; it remembers what npm was asked for."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.heard_in = folder, folder / "heard"
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))
        for name in ("sh", "rm", "mkdir", "sleep"):
            (folder / name).symlink_to(f"/bin/{name}")

    def has(self, version: str = "v20.19.0", build: str = BUILD) -> None:
        self._write("node", f"#!/bin/sh\necho {version}\n")
        self._write("npm", NPM.format(heard=self.heard_in, build=build))

    def _write(self, name: str, script: str) -> None:
        (self.folder / name).write_text(script)
        (self.folder / name).chmod(0o755)

    @property
    def heard(self) -> list[str]:
        """What was done since this was asked last."""
        lines = self.heard_in.read_text().splitlines() if self.heard_in.exists() else []
        self.heard_in.unlink(missing_ok=True)
        return ["ci" if " ci " in f"{line} " else "build" for line in lines]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path / "bin", monkeypatch)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "openapi.yaml").write_text("openapi: 3.1.0")
    web = tmp_path / "web"
    (web / "src" / "api").mkdir(parents=True)
    (web / "package.json").write_text('{"name": "page", "version": "1.0.0", "scripts": {"build": "node build.mjs"}}')
    (web / "package-lock.json").write_text(
        '{"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "page"}}}'
    )
    (web / "build.mjs").write_text(
        'import fs from "fs"; fs.mkdirSync("dist"); fs.writeFileSync("dist/index.html", "");'
    )
    (web / "src" / "main.ts").write_text("void 0;")
    return web


def start(web: Path) -> list[str]:
    """What a start says of the page."""
    said: list[str] = []
    page = PageBuild(web.parent / "page.log", web)
    page.begin(said.append)
    page.wait(said.append)
    return said


def test_it_is_built_once_for_the_same_sources(node: Node, web: Path) -> None:
    node.has()
    assert start(web) == ["page: building; this takes a minute or so"]
    assert (node.heard, (web / "dist" / "index.html").exists()) == (["ci", "build"], True)
    assert (start(web), node.heard) == ([], [])
    # What the build makes of the API's description is no source.
    (web / "src" / "api" / "schema.d.ts").write_text("export type paths = {};")
    assert (start(web), node.heard) == ([], [])


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ("web/src/main.ts", ["build"]),
        ("web/src/new.ts", ["build"]),
        ("web/.npmrc", ["build"]),
        ("openapi.yaml", ["build"]),
        ("web/package-lock.json", ["ci", "build"]),
    ],
)
def test_it_is_built_again_where_something_changed(node: Node, web: Path, changed: str, done: list[str]) -> None:
    node.has()
    start(web)
    assert node.heard
    (web.parent / changed).write_text("another")
    assert len(start(web)) == 1
    assert node.heard == done


def test_names_and_contents_are_told_apart(web: Path) -> None:
    sums = set()
    for name, content in (("ab", "c"), ("a", "bc"), ("a", ""), ("abc", "")):
        path = web / "src" / name
        path.write_text(content)
        sums.add(sum_of_sources(web))
        path.unlink()
    assert len(sums) == 4


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "v9.0.0", ""])
def test_an_old_node_is_named_and_left_alone(node: Node, web: Path, version: str) -> None:
    node.has(version)
    [line] = start(web)
    assert line == (
        f"page: Node here is {version or 'broken'}: install Node 20.19 or later, which brings npm; "
        "the API is there without it"
    )
    assert node.heard == []


@pytest.mark.parametrize("version", ["v20.19.0", "v22.1.0", "v100.0.0-nightly1"])
def test_a_newer_node_will_do(node: Node, web: Path, version: str) -> None:
    node.has(version)
    start(web)
    assert node.heard == ["ci", "build"]


def test_without_node_it_says_what_to_do(node: Node, web: Path) -> None:
    assert start(web) == [
        "page: to have it, install Node 20.19 or later, which brings npm; the API is there without it"
    ]
    node.has()
    start(web)
    (node.folder / "npm").unlink()
    assert start(web) == []  # it is there
    (web / "src" / "main.ts").write_text("void 1;")
    [line] = start(web)
    assert line.endswith("it stays as it was built before")


@pytest.mark.parametrize("build", ["exit 1", "true"])
def test_where_the_build_fails_the_start_goes_on_and_the_next_one_tries_again(
    node: Node, web: Path, build: str
) -> None:
    node.has(build=build)
    [_, line] = start(web)
    assert line == f"page: it could not be built (its log: {web.parent / 'page.log'}); the API is there without it"
    assert "The page could not be built" in (web.parent / "page.log").read_text() or build == "true"
    assert node.heard == ["ci", "build"]
    node.has()
    assert len(start(web)) == 1
    assert node.heard == ["build"]


def test_a_build_that_takes_too_long_is_given_up(node: Node, web: Path) -> None:
    node.has(build=f"echo $$ > {web}/pid; exec sleep 1000")
    said: list[str] = []
    page = PageBuild(web.parent / "page.log", web)
    page.begin(said.append)
    while not (web / "pid").exists() or not (web / "pid").read_text():
        time.sleep(0.01)
    page.wait(said.append, seconds=0.1)
    assert said[-1].startswith("page: it could not be built")
    assert ended(int((web / "pid").read_text()))
    page.stop()


def ended(pid: int) -> bool:
    """It, and not only who started it. Its parent is gone, so init collects it, or nobody does."""
    for _ in range(1000):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_one_builds_at_a_time(node: Node, web: Path) -> None:
    node.has(build=f"sleep 0.3; {BUILD}")
    command = [sys.executable, "-m", "config.local.page", str(web)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert node.heard == ["ci", "build"]


def test_where_there_is_no_page_nothing_is_said(node: Node, tmp_path: Path) -> None:
    assert start(tmp_path / "nowhere") == []


def test_the_command_tells_how_it_ended(node: Node, web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(web)]) == 1
    assert capsys.readouterr().err.startswith("The page cannot be built: to have it, install Node")
    node.has()
    assert main([str(web)]) == 0
    node.has(build="exit 1")
    (web / "src" / "main.ts").write_text("void 1;")
    with pytest.raises(Refused, match="failed"):
        build(web)
    assert main([str(web.parent)]) == 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_with_npm_itself(web: Path) -> None:
    assert start(web) == ["page: building; this takes a minute or so"], (web.parent / "page.log").read_text()
    assert (web / "dist" / "index.html").exists()
    assert start(web) == []


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_files_of_earlier_builds_stay_for_a_week_after_they_were_left_out(tmp_path: Path) -> None:
    build(WEB)
    assets, long_ago = tmp_path / "assets", time.time() - 8 * 24 * 3600
    assets.mkdir()
    for name in ("of-last-build.js", "of-last-build.js.br", "of-one-before.js", "of-yesterday.js"):
        (assets / name).write_text("void 0;")
        if "yesterday" not in name:
            os.utime(assets / name, (long_ago, long_ago))
    (tmp_path / ".made").write_text("index.js\nof-last-build.js")
    (tmp_path / ".built").write_text("of other sources")
    vite = [WEB / "node_modules" / ".bin" / "vite", "build", "--outDir", tmp_path, "--logLevel", "warn"]
    subprocess.run(vite, cwd=WEB, check=True)
    assert {path.name for path in assets.glob("of-*")} == {"of-last-build.js", "of-last-build.js.br", "of-yesterday.js"}
    assert (assets / "of-last-build.js").stat().st_mtime > time.time() - 60
    assert "of-last-build.js" not in (tmp_path / ".made").read_text()
    assert (tmp_path / "index.html").exists()
    assert not (tmp_path / ".built").exists()


def test_a_start_that_is_stopped_leaves_no_build_behind(node: Node, web: Path) -> None:
    node.has(build=f"echo $$ > {web}/pid; exec sleep 1000")
    page = PageBuild(web.parent / "page.log", web)
    page.begin(lambda line: None)
    while not (web / "pid").exists() or not (web / "pid").read_text():
        time.sleep(0.01)
    page.stop()
    assert ended(int((web / "pid").read_text()))
