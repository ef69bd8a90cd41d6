"""Refuses what comes from other pages and other hosts, and tells browsers to load nothing from elsewhere."""

from collections.abc import Awaitable, Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import async_only_middleware

from playground.origin import is_allowed_host, is_own_origin

Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]

# Everything comes from here. Styles may be set on elements (sizes that are computed); scripts never.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE = {"GET", "HEAD"}


@async_only_middleware
def guard(get_response: Answer) -> Answer:
    """The outermost middleware."""

    async def answer(request: HttpRequest) -> HttpResponse:
        response = refusal(request) or await get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return answer


def refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that is not for us or not from us; None when it is fine."""
    host = request.headers.get("Host", "")
    if not is_allowed_host(host):
        return JsonResponse({"message": f"this playground does not answer to the name {host!r}; PLAYGROUND_HOSTS adds names"}, status=400)
    if not is_own_origin(request.headers.get("Origin"), host):
        return JsonResponse({"message": "another web page may not use this playground"}, status=403)
    if request.method not in SAFE and request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return JsonResponse({"message": "another web page may not give commands"}, status=403)
    return None
