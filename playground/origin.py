"""Is a request our own page's, or another page's that wants to kill a broker? Decides only.

Rule: browsers always name the origin of a WebSocket and of a POST; whoever names none is no web page (curl, ./play, tests).
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def is_allowed_host(host: str) -> bool:
    """Does the Host header name this machine?"""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def is_own_origin(origin: str | None, host: str) -> bool:
    """Does the page come from the very address that it talks to: same name, same port?"""
    if origin is None:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
