"""Start everything, say where it is, and stop everything again."""

import os
import socket
import sys

from config.local import environment, listener
from config.local.lock import OwnerLock
from config.local.model import EmbeddedModel
from config.local.options import Options, read_options
from config.local.page import PageBuild
from config.local.placement import make_home
from config.local.postgres import EmbeddedPostgres
from config.local.signals import held
from config.local.terminal import Refused, Terminal, say

PATIENCE_SECONDS = 60.0
CONNECTIONS_PER_WORKER = 50


def launch() -> int:
    """Serve until a stop signal comes; the exit status. A stop during the start is a KeyboardInterrupt."""
    try:
        return start(read_options(os.environ))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return refusal.status
    except PermissionError as error:
        print(
            f"{error.filename} belongs to another user: start as that user, or choose another DATA_DIR.",
            file=sys.stderr,
        )
        return 1


def start(options: Options) -> int:
    """Make sure that the data and the port are ours alone, then run."""
    make_home(options.data_dir)
    lock = OwnerLock(options.data_dir / "run.lock")
    if not lock.take():
        pid, url = lock.owner()
        raise Refused(
            f"Dramatis already runs with the data in {options.data_dir} (process {pid}, {url or 'about to start'}): "
            "stop it first, or choose another DATA_DIR and PORT."
        )
    lock.sign(os.getpid())
    workers = OwnerLock(options.data_dir / "workers.lock")
    if not workers.is_free():
        # They end by themselves, and until then they listen on the port and write to the database.
        say("waiting for the workers of an earlier run to end")
        if not workers.wait_until_free(PATIENCE_SECONDS):
            raise Refused(f"Workers of an earlier run do not end: {workers.path} is still held.")
    with listener.open_listener(options.host, options.port) as bound:
        lock.sign(os.getpid(), listener.url_of(listener.reached_at(bound)))
        return run(options, bound, workers)


def run(options: Options, bound: socket.socket, workers: OwnerLock) -> int:
    model = EmbeddedModel(options.data_dir) if options.embeds_model else None
    postgres = (
        EmbeddedPostgres(options.data_dir, say=say, connections=CONNECTIONS_PER_WORKER * options.workers)
        if options.embeds_database
        else None
    )
    page = PageBuild(options.data_dir / "page.log")
    terminal = Terminal()
    address = listener.reached_at(bound)
    try:
        say(f"data: {options.data_dir}")
        begin(options, postgres, model)
        page.begin()
        # Django takes a while to import: the database and the model start meanwhile.
        with held():
            from config.local import database, serving

            database.load_django()
        if postgres:
            postgres.wait()
        database.bring_up_to_date(say)
        database.look_for_redis(say)
        if options.makes_demo:
            database.open_demo()
        elif not options.is_private and database.close_demo():
            say("demo: its password is known to everybody, so the account is closed while others can reach this server")
        demo_is_open = options.makes_demo
        if model:
            model.wait()
        page.wait()
        watch = serving.Watch(
            ready=lambda: listener.answers(address),
            announce=lambda: announce(options, listener.url_of(address), demo_is_open),
            terminal=terminal,
            postgres=postgres,
            model=model,
        )
        watch.start()
        served = True
        try:
            if options.workers == 1:
                serving.serve(bound)
            else:
                database.let_go()
                served = serving.serve_by_workers(bound, options.workers, workers)
        finally:
            watch.end()
            database.let_go()
        return 0 if served and not watch.database_died else 1
    finally:
        with held():
            page.stop()
            stop(postgres, model)


def begin(options: Options, postgres: EmbeddedPostgres | None, model: EmbeddedModel | None) -> None:
    if model:
        say(f"model: starting {model.name}")
        if orphan := model.begin():
            say(f"model: ended the server that an earlier run left behind (process {orphan})")
    url = None
    if postgres:
        say("postgres: starting")
        url = postgres.begin()
    environment.fill_in(
        options,
        database_url=url,
        model=(model.base_url, model.key, model.name, model.context_tokens) if model else None,
    )


def stop(postgres: EmbeddedPostgres | None, model: EmbeddedModel | None) -> None:
    started = [each for each in (model, postgres) if each]
    if started:
        say(f"stopping {' and '.join(each.child.title for each in started)}")
    for each in started:
        each.ask()
    for each in started:
        each.stop()


def announce(options: Options, url: str, demo_is_open: bool) -> None:
    say(f"\nDramatis is ready: {url} (Ctrl-C stops it)")
    say(f"  documentation  {url}/api/docs/")
    json = "-H 'Content-Type: application/json' -d"
    if demo_is_open:
        say("  demo sign-in   demo@dramatis.local, password dramatis-demo")
        body = '{"email": "demo@dramatis.local", "password": "dramatis-demo"}'
        say(f"  try            curl -s {url}/api/auth/jwt/create/ {json} '{body}'")
    else:
        body = '{"email": "you@example.com", "password": "a long one", "display_name": "You"}'
        say(f"  try            curl -s {url}/api/auth/users/ {json} '{body}'")
    if not options.is_private:
        say(f"  it answers to  {os.environ['ALLOWED_HOSTS']} (ALLOWED_HOSTS: the names that clients may use)")
