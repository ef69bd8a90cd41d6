"""Serves the built front end from this process, with WhiteNoise's knowledge of types, caching and compression."""

from typing import Any

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise without a thread for each request: the files are small, found at start, and read in one go."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:  # type: ignore[override]
        found = self.files.get(request.path_info)
        if found is None:
            return await self.get_response(request)
        answer = found.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file:
                body = answer.file.read()
        response = HttpResponse(body, status=int(answer.status))
        del response["Content-Type"]
        for name, value in answer.headers:
            response[name] = value
        return response

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Vite puts a hash of the contents into every name below assets/."""
        return url.startswith(f"{settings.STATIC_URL}assets/")
