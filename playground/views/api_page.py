"""The API's documentation as a page: one section for each address, from its OpenAPI schema."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def api_page(request: HttpRequest, schema: dict[str, Any]) -> HttpResponse:
    """Plain HTML; the schema itself is at /api/openapi.json."""
    base = request.build_absolute_uri("/").rstrip("/")
    calls = [
        _call(base + address, method, said, schema) | {"address": address}
        for address, methods in schema["paths"].items()
        for method, said in methods.items()
    ]
    return render(request, "api.html", {"info": schema["info"], "calls": calls})


def _call(url: str, method: str, said: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    example = _example(body, schema)
    curl = f"curl {url}"
    if body is not None:
        curl += f" -H 'Content-Type: application/json' -d '{json.dumps(example)}'"
    return {
        "method": method.upper(),
        "summary": said.get("summary", ""),
        "description": said.get("description", ""),
        "parameters": [
            {"name": one["name"], "default": one["schema"].get("default"), "type": one["schema"].get("type")}
            for one in said.get("parameters", ())
        ],
        "answers": [{"status": status, "what": _name(answer)} for status, answer in said["responses"].items()],
        "curl": curl,
    }


def _name(answer: dict[str, Any]) -> str:
    shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return shape.get("$ref", "").rpartition("/")[2] or "JSON"


def _example(body: dict[str, Any] | None, schema: dict[str, Any]) -> dict[str, Any]:
    name = (body or {}).get("$ref", "").rpartition("/")[2]
    properties = schema.get("components", {}).get("schemas", {}).get(name, {}).get("properties", {})
    return {field: (said.get("examples") or ["…"])[0] for field, said in properties.items()}
