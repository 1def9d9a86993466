"""`python -m config.local` as people run it: started, stopped, killed, and started again."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import dj_database_url
import psycopg
import pytest

from config.local.lock import OwnerLock
from config.local.placement import far_data
from config.local.postgres import EmbeddedPostgres
from tests.launched import ADA, NO_MODEL, PATIENCE, ROOT, Run, lives, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_first_start_serves_with_a_database_and_a_model_and_stops_without_a_trace(run: Callable[..., Run]) -> None:
    first = run()
    assert first.get("/healthz") == 200
    assert first.get("/readyz") == 200
    assert first.post("/api/auth/jwt/create/", {"email": "demo@dramatis.local", "password": "dramatis-demo"}) == 200
    assert f"curl -s {first.url}/api/auth/jwt/create/" in first.said
    with urllib.request.urlopen(f"{first.url}/api/auth/session/", timeout=PATIENCE) as answer:
        assert json.load(answer)["demo"] == {"email": "demo@dramatis.local", "password": "dramatis-demo"}
    assert sorted(first.held_locks()) == ["model.lock", "postgres.lock", "run.lock"]
    assert first.stop() == 0


def test_with_a_database_and_a_model_named_neither_is_started(run: Callable[..., Run], data_dir: Path) -> None:
    elsewhere = EmbeddedPostgres(data_dir.with_name("elsewhere"), durable=False)
    try:
        first = run(DATABASE_URL=elsewhere.start(), **NO_MODEL)
        assert first.post("/api/auth/users/", ADA) == 201
        assert first.held_locks() == ["run.lock"]
        assert len(first.family()) == 1
        assert "demo" not in first.said
        assert first.stop() == 0
    finally:
        elsewhere.remove()


def test_with_a_direct_address_the_tables_are_made_by_it_where_it_leads_to_the_same(
    run: Callable[..., Run], data_dir: Path
) -> None:
    elsewhere = EmbeddedPostgres(data_dir.with_name("elsewhere"), durable=False)
    try:
        url = elsewhere.start()
        wrong = run(DATABASE_URL=url, DATABASE_DIRECT_URL=elsewhere.url("postgres"), **NO_MODEL)
        assert wrong.process.wait(PATIENCE) == 1
        assert "DATABASE_DIRECT_URL leads to another database than DATABASE_URL." in wrong.said
        assert "Traceback" not in wrong.said
        first = run(DATABASE_URL=url, DATABASE_DIRECT_URL=url, **NO_MODEL)
        assert first.get("/readyz") == 200
        assert "DATABASE_DIRECT_URL=" in (data_dir / "environment").read_text()
        assert first.stop() == 0
    finally:
        elsewhere.remove()


def test_commands_find_the_settings_of_a_running_server(run: Callable[..., Run], data_dir: Path) -> None:
    first = run(**NO_MODEL)
    assert first.get("/readyz") == 200
    environment = data_dir / "environment"
    assert environment.stat().st_mode & 0o777 == 0o600
    command = f". {environment} && {sys.executable} manage.py createsuperuser --noinput --email admin@example.com"
    subprocess.run(command, shell=True, cwd=ROOT, check=True, env={"DJANGO_SUPERUSER_PASSWORD": "analytical engine"})
    assert first.post("/api/auth/jwt/create/", {"email": "admin@example.com", "password": "analytical engine"}) == 200
    assert first.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_stop_signal_stops_in_order(run: Callable[..., Run], number: signal.Signals) -> None:
    first = run(**NO_MODEL)
    assert first.get("/healthz") == 200
    assert first.stop(number) == 0


@pytest.mark.parametrize("moment", ["postgres: making", "postgres.log", "database: "])
def test_ctrl_c_during_a_start_leaves_nothing_behind(run: Callable[..., Run], data_dir: Path, moment: str) -> None:
    first = run()
    until(lambda: moment in first.said or (data_dir / moment).exists(), f"{moment} is seen")
    assert first.stop() in {0, 130}
    second = run(**NO_MODEL)
    assert second.get("/healthz") == 200
    assert second.stop() == 0


def test_what_a_killed_run_left_is_ended_and_its_data_is_there(run: Callable[..., Run]) -> None:
    first = run()
    assert first.post("/api/auth/users/", ADA) == 201
    family = first.family()
    first.kill()
    second = run()
    assert second.post("/api/auth/jwt/create/", ADA) == 200
    assert "left behind" in second.said
    assert not any(map(lives, family))
    assert second.stop() == 0


def test_a_token_survives_a_restart(run: Callable[..., Run]) -> None:
    first = run(**NO_MODEL)
    request = urllib.request.Request(
        f"{first.url}/api/auth/jwt/create/",
        json.dumps({"email": "demo@dramatis.local", "password": "dramatis-demo"}).encode(),
        {"Content-Type": "application/json"},
    )
    token = json.load(urllib.request.urlopen(request, timeout=PATIENCE))["access"]
    assert first.stop() == 0
    second = run(**NO_MODEL)
    me = urllib.request.Request(f"{second.url}/api/auth/users/me/", headers={"Authorization": f"Bearer {token}"})
    assert second.request(me) == 200
    assert second.stop() == 0


def test_a_twin_is_refused_and_the_first_goes_on(run: Callable[..., Run]) -> None:
    first = run(**NO_MODEL)
    url = first.url
    twin = run(**NO_MODEL)
    assert twin.process.wait(PATIENCE) == 1
    assert f"process {first.process.pid}, {url}" in twin.said
    assert twin.said.count("\n") == 1
    assert first.get("/healthz") == 200
    assert first.stop() == 0


def test_a_kill_while_the_database_is_made_is_made_good(run: Callable[..., Run], data_dir: Path) -> None:
    first = run(**NO_MODEL)
    until((data_dir / "postgres.new" / "base").exists, "initdb is at work")
    first.kill()
    assert not (data_dir / "postgres").exists()
    second = run(**NO_MODEL)
    assert second.get("/healthz") == 200
    assert second.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder that the server's user cannot enter")
def test_in_a_closed_home_the_data_is_kept_where_the_servers_user_reaches_it(
    run: Callable[..., Run], data_dir: Path
) -> None:
    data_dir.parent.chmod(0o700)
    first = run(**NO_MODEL)
    assert first.post("/api/auth/users/", ADA) == 201
    assert str(far_data(data_dir)) in first.said
    assert first.stop() == 0
    assert data_dir.parent.stat().st_mode & 0o777 == 0o700
    second = run(**NO_MODEL)
    assert second.post("/api/auth/jwt/create/", ADA) == 200
    assert second.stop() == 0


@pytest.mark.parametrize("name", ["Capitals", "a space, a comma and 'quotes'", "Straße", "l" * 90])
def test_the_databases_address_is_readable_from_any_folder(data_dir: Path, name: str) -> None:
    postgres = EmbeddedPostgres(data_dir / name, durable=False)
    try:
        host = dj_database_url.parse(postgres.start())["HOST"]
        with psycopg.connect(host=host, user="postgres", dbname="dramatis") as connection:
            assert connection.execute("SELECT lower('ÀÉ')").fetchone() == ("àé",)
    finally:
        postgres.remove()
    assert list(data_dir.iterdir()) == []
    assert not Path(host).exists()


def test_when_postgresql_dies_the_run_says_so_and_ends(run: Callable[..., Run]) -> None:
    first = run(**NO_MODEL)
    assert first.get("/healthz") == 200
    pid, _ = OwnerLock(first.data_dir / "postgres.lock").owner()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert first.process.wait(PATIENCE) == 1
    assert f"postgres: the server has died (its log: {first.data_dir / 'postgres.log'})" in first.said
    second = run(**NO_MODEL)
    assert second.get("/readyz") == 200
    assert second.stop() == 0


def test_when_the_model_dies_it_is_started_once_more(run: Callable[..., Run]) -> None:
    first = run()
    assert first.get("/healthz") == 200
    for words in ("was started once more", "died again"):
        pid, _ = OwnerLock(first.data_dir / "model.lock").owner()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda words=words: words in first.said, f"it says {words}")  # type: ignore[misc]
    assert first.get("/healthz") == 200
    assert first.stop() == 0


def test_a_port_in_use_is_told_before_anything_is_started(run: Callable[..., Run], data_dir: Path) -> None:
    first = run(**NO_MODEL)
    port = first.url.rpartition(":")[2]
    other = Run(data_dir.with_name("other"), PORT=port, **NO_MODEL)
    assert other.process.wait(PATIENCE) == 1
    assert other.said == f"Port {port} is in use by another program: stop it, or choose another PORT.\n"
    assert first.stop() == 0


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "abc"}, "PORT=abc is not a number from 0 to 65535."),
        ({"WEB_CONCURRENCY": "2"}, "WEB_CONCURRENCY=2 needs REDIS_URL: without it live streams, stop signals and "),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL is not an address that starts with "),
        ({"REDIS_URL": "redis://:hunter2/x@localhost"}, "REDIS_URL is not an address: "),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL is not an address that starts with "),
        ({"DATABASE_DIRECT_URL": "postgresql://localhost/x"}, "DATABASE_DIRECT_URL is another way to the database of "),
        ({"AI_BASE_URL": "localhost:11434"}, "AI_BASE_URL is not an address that starts with "),
        ({"HOST": "0.0.0.0", "DEMO": "on"}, "DEMO=on is for a HOST that only this machine can reach: "),
    ],
)
def test_a_wrong_value_is_a_sentence(run: Callable[..., Run], environ: dict[str, str], sentence: str) -> None:
    wrong = run(**environ)
    assert wrong.process.wait(PATIENCE) == 2
    assert wrong.said.startswith(sentence)
    assert wrong.said.count("\n") == 1
    assert "hunter2" not in wrong.said
