"""A bare cluster as a process of its own, driven by its standard input as anybody would."""

import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
READY_S, ANSWER_S, STOP_S = 20, 20, 10


class EngineProcess:
    """`python -m engine`, on free ports. Use it in a `with`."""

    def __init__(self, folder, *, brokers, profile="demo", configs=()):
        options = ["--brokers", str(brokers), "--racks", "a,b,c", "--port", "0", "--data", str(folder), "--profile", profile]
        for config in configs:
            options += ["--set", config]
        began = time.monotonic()
        self._said = b""
        self.errors = open(pathlib.Path(folder).with_suffix(".log"), "ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", *options],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )  # fmt: skip
        try:
            self.ready = self._line(READY_S)
        except BaseException:
            self.__exit__()
            raise
        self.ready_s = time.monotonic() - began
        self.bootstrap = self.ready["bootstrap_servers"]

    def do(self, line):
        """The outcome of a command line."""
        self.send(line)
        return self.answer()

    def send(self, line):
        """A command line; commands that were sent together run side by side."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def answer(self):
        """The next outcome."""
        return self._line(ANSWER_S)

    def state(self):
        """The picture: `clusters[0]`."""
        return self.do("state")["clusters"][0]

    def until(self, seen, within_s=10):
        """Asks for the picture until `seen(picture)`; returns it."""
        deadline = time.monotonic() + within_s
        while not seen(picture := self.state()):
            assert time.monotonic() < deadline, f"not within {within_s} s; last: {json.dumps(picture)[:3000]}"
            time.sleep(0.05)
        return picture

    def _line(self, within_s):
        output, deadline = self.process.stdout.fileno(), time.monotonic() + within_s
        while b"\n" not in self._said:  # a buffered reader would hide from select what it has read of the next line
            ready, _, _ = select.select([output], [], [], max(0, deadline - time.monotonic()))
            if not ready or not (part := os.read(output, 1 << 20)):
                break
            self._said += part
        line, end, self._said = self._said.partition(b"\n")
        assert end, f"no line within {within_s} s; its log: {pathlib.Path(self.errors.name).read_text()[-3000:]}"
        return json.loads(line)

    def stop(self):
        """Ctrl-C; seconds until it has gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(STOP_S) == 0
        return time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()
