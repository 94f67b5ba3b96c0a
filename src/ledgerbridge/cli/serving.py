"""`serve`, `scheduler`, `worker`: processes that stay until they are told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from .main import WorkspaceOption, session
from .output import Exit

if TYPE_CHECKING:
    from ledgerbridge.bootstrap import App
    from ledgerbridge.sync.serving import Service

Address = Annotated[str | None, typer.Option(help="Where to answer; default: the setting serve.address.")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="The port; 0: none. Default: serve.port.")]
Concurrency = Annotated[
    int | None, typer.Option(min=1, max=64, help="Writes side by side; default: the setting serve.concurrency.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("serve")(serve)
    app.command("scheduler")(scheduler)
    app.command("worker")(worker)


def serve(
    address: Address = None, port: Port = None, concurrency: Concurrency = None, workspace: WorkspaceOption = None
) -> None:
    """Schedules and writes in one process, with health, metrics and webhooks on a port. SIGTERM ends it in order."""
    with session(workspace, as_json=False) as now:
        _run(now.app, schedules=True, works=True, address=address, port=port, concurrency=concurrency)
    raise typer.Exit(Exit.OK)


def scheduler(address: Address = None, port: Port = None, workspace: WorkspaceOption = None) -> None:
    """Schedules, health, metrics and webhooks; several may run. What their flows plan is also written by workers."""
    with session(workspace, as_json=False) as now:
        _run(now.app, schedules=True, works=False, address=address, port=port, concurrency=None)
    raise typer.Exit(Exit.OK)


def worker(
    concurrency: Concurrency = None, address: Address = None, port: Port = None, workspace: WorkspaceOption = None
) -> None:
    """Carries out approved writes; as many as you like, on any number of machines, over one PostgreSQL."""
    with session(workspace, as_json=False) as now:
        _run(now.app, schedules=False, works=True, address=address, port=port, concurrency=concurrency)
    raise typer.Exit(Exit.OK)


def _run(
    app: App, *, schedules: bool, works: bool, address: str | None, port: int | None, concurrency: int | None
) -> None:
    """Everything in threads of this process; the main one waits for the signal."""
    from ledgerbridge import log
    from ledgerbridge.clock import SystemClock
    from ledgerbridge.sync.scheduling import Scheduler
    from ledgerbridge.sync.serving import Pulse, Service, process_name
    from ledgerbridge.sync.stopping import asked_to_stop

    from .jobs import do, jobs_of, subscribe

    settings = app.workspace.tree.serve
    said = log.get("ledgerbridge.serve")
    process = process_name()
    role = "serve" if schedules and works else "scheduler" if schedules else "worker"
    stop = threading.Event()
    clock = app.clock

    def end() -> None:
        stop.set()
        if isinstance(clock, SystemClock):
            clock.interrupt.set()

    jobs = jobs_of(app) if schedules else []
    pulse = Pulse(app.store, role, process)
    plan = Scheduler(app.store, jobs, app.zone, process)
    service = Service(plan, lambda job, stopping: do(app, job, stopping), pulse, clock, at_once=settings.jobs_at_once)
    with (
        asked_to_stop(also=end),
        _answering(app, service, tuple(job.name for job in jobs if job.cron), address, port, hooks=schedules) as where,
        _working(app, stop, concurrency or settings.concurrency, end) if works else _idle(),
    ):
        said.info("serving", role=role, worker=process, address=where, jobs=len(jobs))
        if schedules and settings.public_url:
            state, why = subscribe(app)
            if why:
                said.warning("not subscribed", state=str(state), why=why)
        service.loop(stop)
    said.info("stopped in order", role=role, worker=process)


@contextmanager
def _idle() -> Iterator[None]:
    yield


@contextmanager
def _working(app: App, stop: threading.Event, concurrency: int, end: Callable[[], None]) -> Iterator[None]:
    """Workers beside whatever else this process does. If they cannot go on, the process ends: a supervisor starts it anew."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with app.worker(stop=stop.is_set, concurrency=concurrency, listens=True) as one:
                one.run()
        except BaseException as error:  # noqa: BLE001 (raised again in the main thread)
            failures.append(error)
            end()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join()
    if failures:
        raise failures[0]


@contextmanager
def _answering(
    app: App, service: Service, jobs: tuple[str, ...], address: str | None, port: int | None, *, hooks: bool
) -> Iterator[str]:
    """The port, if there is to be one; yields where it is."""
    settings = app.workspace.tree.serve
    port = settings.port if port is None else port
    if port == 0:
        yield ""
        return
    from waitress.server import create_server

    from ledgerbridge.web.metrics import metrics_of
    from ledgerbridge.web.service import BODY_BYTES_MAX, Web

    from .jobs import hinting_of

    web = Web(
        app.store,
        silent_s=lambda: service.silent_s,
        fault=lambda: service.fault,
        metrics=metrics_of(app.store, lambda: jobs),
        hinting=hinting_of(app) if hooks else {},
    )
    host = address or settings.address
    server = create_server(
        web,
        host=host,
        port=port,
        threads=4,
        ident="",
        max_request_body_size=BODY_BYTES_MAX + 1,
        channel_timeout=30,
        connection_limit=100,
    )
    ending = threading.Event()

    def answer() -> None:
        try:
            server.run()
        except OSError:  # waitress waits on sockets that closing takes from under it
            if not ending.is_set():
                raise

    thread = threading.Thread(target=answer, name="web", daemon=True)
    thread.start()
    try:
        yield f"{host}:{port}"
    finally:
        ending.set()
        server.close()
        thread.join(timeout=5)
