"""The JSON API: the same commands as everywhere, and the picture. Its documentation is at /api/docs."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema, Status
from ninja.openapi.docs import DocsBase
from pydantic import Field

from playground import names
from playground.host.door import HostGone, ask, ask_text
from playground.host.limits import HOST_SECONDS_MAX

STATE_SECONDS_MAX = HOST_SECONDS_MAX  # the picture is at hand; who waits longer waits for a host that is not there


class OwnDocs(DocsBase):
    """The API's page: plain HTML from the schema, because pages here load nothing from elsewhere."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """The page."""
        from playground.views.api_page import api_page

        return api_page(request, api.get_openapi_schema())


api = NinjaAPI(
    title="Kafka Playground",
    version="1",
    description="Commands and state of the running playground. Only this machine may ask, and no other web page.",
    docs=OwnDocs(),
)


class Line(Schema):
    """A command line, as typed into the page or given to ./play do."""

    line: str = Field(..., max_length=2_000, examples=["kill broker 2"])


class Outcome(Schema):
    """What became of it. `number`: of the fact that it was given; `kafka`: Kafka's own line for the same."""

    ok: bool
    message: str
    number: int | None = None
    kafka: str | None = None


class Meaning(Schema):
    """What a line means: as the playground writes it, as Kafka does, and why it could not be done now."""

    line: str
    kafka: str | None = None
    refusal: str | None = None


class Trouble(Schema):
    """Why there is no answer."""

    message: str


STATUS = {"done": 200, "refused": 409, "bad": 400}


@api.exception_handler(HostGone)
def host_gone(request: HttpRequest, error: HostGone) -> HttpResponse:
    """503: the page works, the host does not."""
    return JsonResponse({"ok": False, "message": str(error)}, status=503)


@api.get("/state", summary="The picture of now", response={200: dict[str, Any], 503: Trouble})
async def state(request: HttpRequest) -> HttpResponse:
    """Clusters with brokers, topics, groups and clients, and the number of the last fact in it."""
    return _json(await ask_text(names.SANDBOX, "snapshot", seconds=STATE_SECONDS_MAX))


@api.get("/facts", summary="What happened", response={200: dict[str, Any], 503: Trouble})
async def facts(request: HttpRequest, after: int = 0, limit: int = 200) -> HttpResponse:
    """Facts with a number above `after`, oldest first, with their causes; at most 1,000 at once."""
    asked = {"after": max(after, 0), "limit": max(min(limit, 1_000), 0)}
    return _json(await ask_text(names.SANDBOX, "facts", seconds=STATE_SECONDS_MAX, **asked))


@api.post("/commands", summary="Do something", response={200: Outcome, 400: Outcome, 409: Outcome, 503: Trouble})
async def give(request: HttpRequest, body: Line) -> Any:
    """Gives a command line. 400: it is no command; 409: it cannot be done now; the message says what would be right."""
    outcome = await ask(names.SANDBOX, "command", line=body.line, by="api", door="api")
    return Status(STATUS[outcome.pop("status")], outcome)


@api.get("/commands", summary="Every verb", response={200: dict[str, Any], 503: Trouble})
async def verbs(request: HttpRequest) -> HttpResponse:
    """The grammar: verbs with their words, options, defaults and an example."""
    return _json(await ask_text(names.SANDBOX, "grammar", seconds=STATE_SECONDS_MAX))


@api.post("/lines", summary="What a line would do", response={200: Meaning, 400: Trouble, 503: Trouble})
async def explain(request: HttpRequest, body: Line) -> Any:
    """Reads a line without doing it: its canonical form, Kafka's own line for it, and why it could not be done now."""
    meaning = await ask(names.SANDBOX, "explain", seconds=STATE_SECONDS_MAX, line=body.line)
    return Status(200 if meaning.pop("ok") else 400, meaning)


@api.get("/health", summary="Is everything there?", response={200: dict[str, Any], 503: Trouble})
async def health(request: HttpRequest) -> Any:
    """The host answers, so Redis does too."""
    picture = await ask(names.SANDBOX, "snapshot", seconds=STATE_SECONDS_MAX)
    return {"ok": True, "number": picture["number"]}


def _json(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="application/json")
