"""Which WebSocket is what."""

from django.urls import path

from playground.consumers.viewer import Viewer

websocket_urlpatterns = [
    path("ws/sandbox/<slug:sandbox>/", Viewer.as_asgi()),
]
