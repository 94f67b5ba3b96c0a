"""A PostgreSQL and a RabbitMQ of one's own, to be stopped and killed: nobody else's server is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 60.0
_RABBIT: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_STOPS: Final = ("fast", "immediate", "kill -9")


class NotHere(RuntimeError):
    """The server's programs are not installed, or may not be started."""


class Postgres:
    """Made in `folder`, as the user `postgres` where we are root, which PostgreSQL refuses to be."""

    stops = _STOPS

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            raise NotHere("no PostgreSQL is installed")
        self._bin, self._folder = found[-1], folder
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.port = free_port()
        folder.mkdir()
        if self._as:
            shutil.chown(folder, "postgres")
        self._ran("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "lb", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()
        self._ran("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lb", "lb")
        self.url = f"postgresql://lb@127.0.0.1:{self.port}/lb"

    def start(self) -> None:
        """Until it answers."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1"
        log = str(self._folder / "log")
        self._ran("pg_ctl", "-D", str(self._folder / "data"), "-w", "-o", options, "-l", log, "start")

    def stop(self, how: str) -> None:
        """`fast` ends connections in order, `immediate` recovers from the log later, `kill -9` asks nobody."""
        if how != "kill -9":
            self._ran("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", how, "stop")
            return
        pid_file = self._folder / "data" / "postmaster.pid"
        pid = int(pid_file.read_text("ascii").split()[0])
        for one in (*_children(pid), pid):
            with contextlib.suppress(ProcessLookupError):  # a connection's process, that has ended meanwhile
                os.kill(one, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the server does not die")

    def close(self) -> None:
        """For good."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")

    def _ran(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")
        if done.returncode:
            raise NotHere(f"{program}: {done.stderr.decode()[-500:]}")


class Rabbit:
    """A node with its own name, ports, folder and name server."""

    stops = ("kill -9",)

    def __init__(self, folder: Path) -> None:
        if not _RABBIT.exists():
            raise NotHere("no RabbitMQ is installed")
        folder.mkdir()
        self._folder = folder
        self.port, distribution, self._names = free_port(), free_port(), free_port()
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n", "ascii")
        (folder / "plugins").write_text("[].\n", "ascii")
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._names),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_NODENAME": f"lb{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }
        self._server: subprocess.Popen[bytes] | None = None
        self.start()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Until it listens."""
        quiet = subprocess.DEVNULL
        self._server = subprocess.Popen(
            [str(_RABBIT)], env=self._environ, cwd=self._folder, stdout=quiet, stderr=quiet, start_new_session=True
        )
        wait_until(lambda: _listens(self.port), "the broker does not start")

    def stop(self, how: str) -> None:
        """Only by killing all of its processes; `how` is what the other server needs to be told."""
        assert how == "kill -9"
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None
        wait_until(lambda: not _listens(self.port), "the broker does not die")

    def close(self) -> None:
        """For good, its name server too, which it had started beside itself."""
        self.stop("kill -9")
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                mine = f"ERL_EPMD_PORT={self._names}".encode() in place.read_bytes().split(b"\0")
            except OSError:
                continue
            if mine:
                os.kill(int(place.parent.name), signal.SIGKILL)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(happened: object, what: str) -> None:
    """Ask again and again; NotHere(`what`) if it takes too long."""
    assert callable(happened)
    until = time.monotonic() + _PATIENCE_S
    while not happened():
        if time.monotonic() > until:
            raise NotHere(what)
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
