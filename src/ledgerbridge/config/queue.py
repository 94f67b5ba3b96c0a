"""The section `[queue]` of the workspace file: how workers on several machines are woken, and how fast they may go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from ledgerbridge.model.base import SystemId

from .addresses import Address, resolved
from .secrets import Resolver

if TYPE_CHECKING:
    from ledgerbridge.queue.port import Carrier
    from ledgerbridge.queue.wakeup import Broker
    from ledgerbridge.queue.worker import Worker
    from ledgerbridge.store import Store

_SCHEMES = ("amqp", "amqps")


def _check_broker(url: str) -> str:
    """The address itself; ValueError (which does not repeat it) unless it is one of RabbitMQ."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("it is no address of a RabbitMQ, such as amqps://user:password@host/vhost")
    return url


class QueueSettings(BaseModel):
    """How approved writes are handed to workers (docs/write-path.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: Address | None = None
    """The RabbitMQ that wakes workers on several machines, e.g. `{ env = "LEDGERBRIDGE_BROKER" }`; unset: workers of one process
    wake one another, and all look by themselves now and then. Nothing is lost when it is away."""
    calls_per_second: dict[SystemId, Annotated[float, Field(gt=0, le=1000)]] = {}
    """How many calls a second all workers together may make for writing to a system, e.g. `{ erp = 2 }`; unset: what the
    connector's own limits allow to each process."""


@contextmanager
def broker_of(
    settings: QueueSettings | None, resolver: Resolver, store: Store, systems: Iterable[str], *, listens: bool = True
) -> Iterator[Broker | None]:
    """The broker that the settings name, until the end of the block; None if they name none. `listens`: it is to wake us.

    ConfigError for a reference that leads nowhere, an address that is none, or if kombu is not installed. Queues are named
    after the database, so that workspaces can share a broker.
    """
    if settings is None or settings.broker is None:
        yield None
        return
    from ledgerbridge.queue.wakeup import Broker
    from ledgerbridge.store import facts

    url = resolved(settings.broker, "queue.broker", resolver, check=_check_broker)
    with store.reading() as tx:
        prefix = f"ledgerbridge.{facts.instance_id(tx)[:12]}"
    broker = Broker(url, systems, store.clock, prefix=prefix)
    if listens:
        broker.listen()
    try:
        yield broker
    finally:
        broker.close()


def worker_of(
    settings: QueueSettings,
    store: Store,
    carriers: Mapping[str, Carrier],
    broker: Broker | None,
    *,
    stop: Callable[[], bool],
    concurrency: int,
) -> Worker:
    """A worker as the settings want it."""
    from ledgerbridge.queue.worker import Worker

    rates = settings.calls_per_second
    return Worker(store, carriers, store.clock, wakeup=broker, stop=stop, concurrency=concurrency, per_second=rates)
