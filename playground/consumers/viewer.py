"""One live viewer: hello, a snapshot, then frames; commands come up and outcomes go down. See SNAPSHOT in the API's page."""

import asyncio
import json
import time
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from playground import names
from playground.consumers.pace import RESYNC, SEND, Pace
from playground.host.limits import HOST_GONE_MS
from playground.views.page import build

VERSION = 1
MESSAGE_CHARS_MAX = 8_000  # what a viewer says is short
COMMANDS_WAITING_MAX = 20  # of one viewer: a stuck key must not fill the host
WATCH_SECONDS = 0.5
ASK_AGAIN_SECONDS = 2.0


class Viewer(AsyncWebsocketConsumer):
    """Nothing here waits for the browser: what it cannot take is dropped, and made up for by a snapshot."""

    async def connect(self) -> None:
        """Says hello and asks the host for the picture."""
        self.sandbox = self.scope["url_route"]["kwargs"]["sandbox"]
        self.pace = Pace()
        self.commands: dict[str, Any] = {}
        self.host_state = "unknown"
        self.heard = time.monotonic()
        self.asked_at = 0.0
        if self.sandbox != names.SANDBOX:
            await self.close()
            return
        await self.accept()
        await self._say({"type": "hello", "version": VERSION, "sandbox": self.sandbox, "build": build()})
        await self.channel_layer.group_add(names.viewers_group(self.sandbox), self.channel_name)
        await self._resync()
        self.watching = asyncio.create_task(self._watch(), name="viewer's watch")

    async def disconnect(self, code: int) -> None:
        """Leaves nothing behind."""
        if hasattr(self, "watching"):
            self.watching.cancel()
            await self.channel_layer.group_discard(names.viewers_group(self.sandbox), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What the browser says; nonsense closes the connection."""
        try:
            if text_data is None or len(text_data) > MESSAGE_CHARS_MAX:
                raise ValueError("short JSON text is expected")
            message = json.loads(text_data)
            await {"command": self._command, "seen": self._seen, "resync": self._wants_resync}[message["type"]](message)
        except (ValueError, KeyError, TypeError):
            await self.close(code=4400)

    # ---- from the browser

    async def _command(self, message: dict[str, Any]) -> None:
        number, line, door = str(message["id"])[:100], message["line"], str(message.get("door", "line"))
        if not isinstance(line, str):
            raise TypeError("a line is text")
        if len(self.commands) >= COMMANDS_WAITING_MAX:
            outcome = {"ok": False, "message": f"{COMMANDS_WAITING_MAX} commands of this page still wait for their answers"}
            await self._say({"type": "outcome", "id": number} | outcome)
            return
        self.commands[number] = time.monotonic()
        await self._ask("command", number, line=line, by="page", door="button" if door == "button" else "line")

    async def _seen(self, message: dict[str, Any]) -> None:
        if self.pace.confirmed(int(message["sequence"])) == RESYNC:
            await self._resync()

    async def _wants_resync(self, message: dict[str, Any]) -> None:
        if not self.pace.waiting:
            await self._resync()

    # ---- from the host

    async def host_frame(self, message: dict[str, Any]) -> None:
        """A frame for all viewers."""
        await self._is_up()
        decision = self.pace.frame(message["run"], message["sequence"])
        if decision == SEND:
            await self.send(text_data=message["text"])
        elif decision == RESYNC:
            await self._resync()

    async def host_beat(self, message: dict[str, Any]) -> None:
        """The host is there and has nothing to tell."""
        await self._is_up()
        if self.pace.beat(message["run"], message["sequence"]) == RESYNC:
            await self._resync()

    async def host_reply(self, message: dict[str, Any]) -> None:
        """An answer to something we asked."""
        await self._is_up()
        if message["what"] == "view" and self.pace.waiting:
            self.pace.snapshot(message["run"], message["sequence"])
            await self.send(text_data=message["text"])
        elif message["what"] == "command" and self.commands.pop(message["id"], None) is not None:
            await self._say({"type": "outcome", "id": message["id"]} | json.loads(message["text"]))

    # ---- our own

    async def _resync(self) -> None:
        self.pace.asked()
        self.asked_at = time.monotonic()
        await self._ask("view", "view")

    async def _ask(self, what: str, number: str, **fields: Any) -> None:
        question = {"type": "question", "what": what, "id": number, "reply": self.channel_name, **fields}
        await self.channel_layer.send(names.host_channel(self.sandbox), question)

    async def _is_up(self) -> None:
        self.heard = time.monotonic()
        if self.host_state != "up":
            self.host_state = "up"
            await self._say({"type": "host", "state": "up"})

    async def _watch(self) -> None:
        """Tells when the host falls silent, and asks again for what a lost message would have brought."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            if (now - self.heard) * 1000 > HOST_GONE_MS and self.host_state != "gone":
                self.host_state = "gone"
                await self._say({"type": "host", "state": "gone"})
                unknown = {"type": "outcome", "ok": False, "message": "the host is gone; nobody knows what became of it"}
                for number in list(self.commands):
                    del self.commands[number]
                    await self._say(unknown | {"id": number})
            if self.pace.waiting and now - self.asked_at > ASK_AGAIN_SECONDS:
                await self._resync()

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message))
