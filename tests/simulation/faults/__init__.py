"""Everything that a simulated cluster can suffer, by name."""

from tests.simulation.faults import administration, clocks, disks, links, machines, processes
from tests.simulation.faults.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for family in (processes, machines, links, disks, clocks, administration)
    for fault in family.FAULTS
}
