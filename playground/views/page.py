"""The page: a shell with its settings as JSON and the built front end; everything else comes live."""

import functools
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from playground import names


async def page(request: HttpRequest) -> HttpResponse:
    """The main view of the one sandbox."""
    told = {"socket": f"/ws/sandbox/{names.SANDBOX}/", "api": "/api/"}
    response = render(request, "index.html", {"settings": told, "assets": assets()})
    response.headers["Cache-Control"] = "no-cache"  # it names the assets, whose names change with their contents
    return response


@functools.cache
def assets() -> dict[str, Any]:
    """{"scripts": [...], "styles": [...], "preloads": [...]} of the entry, from Vite's manifest; {"missing": True} before a build."""
    try:
        manifest = json.loads(settings.VITE_MANIFEST.read_text())
    except OSError:
        return {"missing": True}
    entry = manifest[settings.VITE_ENTRY]
    chunks = [entry, *(manifest[name] for name in _imported(manifest, entry))]
    return {
        "scripts": [settings.STATIC_URL + entry["file"]],
        "styles": [settings.STATIC_URL + name for chunk in chunks for name in chunk.get("css", ())],
        "preloads": [settings.STATIC_URL + chunk["file"] for chunk in chunks[1:]],
    }


def _imported(manifest: dict[str, Any], chunk: dict[str, Any]) -> list[str]:
    names_seen: list[str] = []
    for name in chunk.get("imports", ()):
        if name not in names_seen:
            names_seen += [name, *(one for one in _imported(manifest, manifest[name]) if one not in names_seen)]
    return names_seen


@functools.cache
def build() -> str:
    """Names this build of the front end; a page of another one knows that it is old."""
    return ",".join(assets().get("scripts", ())) or "none"
