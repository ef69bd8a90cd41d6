"""The loads of a run, each with the sentence that says what it promises; and the last reading of everything.

Rule: a workload writes to the history and never raises because of a fault; what nothing explains is an Anomaly of "client".
"""

from collections.abc import Callable

from tests.simulation.workloads import groups, producers, readers
from tests.simulation.workloads.last_reading import read_everything
from tests.simulation.workloads.workload import Workload

__all__ = ["WORKLOADS", "Workload", "read_everything"]

# Called once for each run: a workload keeps its clients from `prepare` to `finish`.
WORKLOADS: dict[str, Callable[[], Workload]] = {**producers.WORKLOADS, **readers.WORKLOADS, **groups.WORKLOADS}
