"""The web's front door: pages and API to Django, live viewers to Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
pages = get_asgi_application()  # first: it loads the apps that the imports below need

from playground.consumers.gate import OwnOriginOnly  # noqa: E402
from playground.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": pages, "websocket": OwnOriginOnly(URLRouter(websocket_urlpatterns))})
