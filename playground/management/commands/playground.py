"""manage.py playground do "LINE" | state: talks to the host that runs, without the web."""

import asyncio
import json
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from playground import names
from playground.host.door import HostGone, ask


class Command(BaseCommand):
    """Gives a command line, or prints the picture as JSON."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """do LINE, or state."""
        parser.add_argument("what", choices=("do", "state"))
        parser.add_argument("line", nargs="*", help="the command line")

    def handle(self, *args: object, what: str, line: list[str], **options: object) -> None:
        """Exit status 0 when it was done."""
        try:
            if what == "state":
                print(json.dumps(asyncio.run(ask(names.SANDBOX, "snapshot")), indent=2))
                return
            outcome = asyncio.run(ask(names.SANDBOX, "command", line=" ".join(line), by="manage.py", door="line"))
        except HostGone as error:
            sys.exit(str(error))
        print(outcome["message"], file=sys.stdout if outcome["ok"] else sys.stderr)
        sys.exit(0 if outcome["ok"] else 1)
