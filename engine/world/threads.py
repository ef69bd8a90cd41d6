"""What other people's threads promise, awaited on our loop. The engine has no threads; client libraries do."""

import asyncio
import concurrent.futures
from typing import Any


async def promised(future: "concurrent.futures.Future[Any]") -> Any:
    """The result of a library's future; its error is raised here."""
    return await asyncio.wrap_future(future)
