"""Lets only our own page's WebSockets in, by Host and Origin; whoever names no origin is no web page."""

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from playground.origin import is_allowed_host, is_own_origin


class Refuse(AsyncWebsocketConsumer):
    """Closes before accepting: browsers see 403."""

    async def connect(self) -> None:
        """Never."""
        await self.close()


class OwnOriginOnly:
    """ASGI middleware before the WebSocket routes."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._refuse = Refuse.as_asgi()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """To the routes, or away."""
        headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        fine = is_allowed_host(host) and is_own_origin(headers.get("origin"), host)
        return await (self._application if fine else self._refuse)(scope, receive, send)
