"""The energy that a run takes, by the counters of the processor's packages (RAPL) and of the GPU (NVML), where they can be read.

Both count whatever the processor or the GPU does, other programs' work too.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the processor's counters; machines that hide them have no such folder, or let only root read it."""


class Counter(NamedTuple):
    """A counter of energy, which only differences give a sense to.

    Attributes:
        joules: what it stands at.
        wraps: at how many joules it begins anew; 0 if it never does.
    """

    joules: float
    wraps: float = 0.0


Counters = Mapping[str, Counter]


def processor(folder: Path | None = None) -> Counters:
    """Return the counter of every package of the processor; none where they cannot be read.

    Zones within a package (cores, memory) are part of it, and "psys" holds the packages: neither is counted twice.
    """
    found = {}
    for zone in sorted((folder or POWERCAP).glob("intel-rapl:*")):  # AMD's have the same name
        try:
            name = (zone / "name").read_text(encoding="ascii").strip()
            if re.fullmatch(r"intel-rapl:\d+", zone.name) and name.startswith("package"):
                now, most = (int((zone / file).read_text(encoding="ascii")) for file in ("energy_uj", "max_energy_range_uj"))
                found[name] = Counter(now / 1e6, most / 1e6)
        except (OSError, ValueError):
            return {}
    return found


def gpu() -> Counters:
    """Return the counter of the GPU that torch computes on; none without one, without nvidia-ml-py, or where it has none."""
    import torch  # heavy, and only a run needs it

    if not torch.cuda.is_available():
        return {}
    return of_gpu(str(torch.cuda.get_device_properties(torch.cuda.current_device()).uuid))


def of_gpu(uuid: str) -> Counters:
    """Return the counter of the GPU with this id, as NVML tells it; none where it does not."""
    try:
        import pynvml  # optional: nvidia-ml-py
    except ImportError:
        return {}
    try:
        pynvml.nvmlInit()
        try:
            handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid.removeprefix('GPU-')}")
            return {"gpu": Counter(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3)}
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return {}


def spent(before: Counters, after: Counters) -> float | None:
    """Return the joules between two readings, a single overflow allowed for; None where a counter is missing."""
    if not before or before.keys() != after.keys():
        return None
    total = 0.0
    for name, then in before.items():
        gone = after[name].joules - then.joules
        if gone < 0:
            gone += then.wraps
        if gone < 0:
            return None
        total += gone
    return round(total, 1)
