"""The host's side of the door: takes questions and commands from the channel layer, answers each under its id."""

import asyncio
import json
import logging
from typing import Any

from redis.exceptions import RedisError

from engine.sandbox.commands import BadLine, grammar
from engine.sandbox.sandbox import Sandbox
from playground import names
from playground.host.disk_journal import DiskJournal
from playground.host.feed import Feed
from playground.host.limits import FACTS_AN_ANSWER_MAX
from playground.host.minute import Minute
from playground.host.outbox import Outbox

log = logging.getLogger("playground.host")


class Desk:
    """One for each sandbox."""

    def __init__(
        self, *, layer: Any, name: str, sandbox: Sandbox, feed: Feed, outbox: Outbox, journal: DiskJournal, minute: Minute
    ) -> None:
        self._layer = layer
        self._name = name
        self._sandbox = sandbox
        self._feed = feed
        self._outbox = outbox
        self._journal = journal
        self._minute = minute
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Takes messages for ever; each is answered in a task of its own, because a controlled shutdown takes seconds."""
        while True:
            try:
                message = await self._layer.receive(names.host_channel(self._name))
            except (RedisError, OSError) as error:
                log.warning("commands cannot be read: %s", error)
                await asyncio.sleep(1)
                continue
            task = asyncio.create_task(self._answer(message), name=f"desk {message.get('what')}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: dict[str, Any]) -> None:
        try:
            text = await getattr(self, f"_{message['what']}")(message)
        except Exception:
            log.exception("a question could not be answered: %s", message.get("what"))
            text = json.dumps({"error": "the host could not answer; its log says why"})
        reply = {"type": "host.reply", "id": message["id"], "what": message["what"], "text": text}
        self._outbox.to(message["reply"], reply | {"run": self._feed.run, "sequence": self._feed.sequence})

    async def _ping(self, message: dict[str, Any]) -> str:
        return "{}"

    async def _snapshot(self, message: dict[str, Any]) -> str:
        await self._feed.settled()
        return json.dumps(self._sandbox.snapshot(), separators=(",", ":"))

    async def _view(self, message: dict[str, Any]) -> str:
        """A snapshot with what a viewer may read about the past."""
        await self._feed.settled()
        view = {"type": "snapshot", "run": self._feed.run, "sequence": self._feed.sequence, "snapshot": self._sandbox.snapshot()}
        past = {"recent": list(self._sandbox.recent), "minute": self._minute.seconds()}
        return json.dumps(view | past, separators=(",", ":"))

    async def _command(self, message: dict[str, Any]) -> str:
        outcome = await self._sandbox.do(message["line"], by=message["by"], door=message["door"])
        await self._feed.settled()
        told = {name: getattr(outcome, name) for name in ("ok", "status", "message", "number", "kafka")}
        return json.dumps(told)

    async def _explain(self, message: dict[str, Any]) -> str:
        try:
            return json.dumps({"ok": True} | self._sandbox.explain(message["line"]))
        except BadLine as error:
            return json.dumps({"ok": False, "message": str(error)})

    async def _facts(self, message: dict[str, Any]) -> str:
        limit = min(message["limit"], FACTS_AN_ANSWER_MAX)
        await self._feed.settled()
        facts = await asyncio.to_thread(self._journal.read, message["after"], limit)
        return json.dumps({"facts": facts, "number": self._sandbox.snapshot()["number"]}, separators=(",", ":"))

    async def _grammar(self, message: dict[str, Any]) -> str:
        return json.dumps({"verbs": grammar()})
