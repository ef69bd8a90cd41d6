"""manage.py run_host: the process that owns the cluster."""

import sys

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Runs in the foreground until SIGTERM or SIGINT, then stops all brokers in good order."""

    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        """Ends with the host's exit status."""
        from playground.host.host import main

        sys.exit(main(settings.DATA))
