"""The machine that a benchmark runs on: what it is, how steady it is, how much memory a run takes."""

import os
import platform
import re
import statistics
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "papertide")
PROBES, SIDE = 60, 384
"""Rounds of the probe of steadiness, and the side of the matrices it multiplies: about a millisecond a product."""
UNITS = ("amx_tile", "avx512_bf16", "avx512_vnni", "avx2", "sve", "asimd")
"""Flags that tell kinds of processors apart, the ablest first: clouds call all of them "AMD EPYC"."""


def device() -> str:
    """Return where arms compute that can use a GPU: "cuda" where there is one, else "cpu"."""
    import torch  # heavy, and only a run needs it

    return "cuda" if torch.cuda.is_available() else "cpu"


def finish() -> None:
    """Wait until the GPU has done what it was told, so that a clock read now is right; nothing without one."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()


def stopwatch() -> float:
    """Return the seconds of a clock for arms on one thread: for how long the processor has worked for this process.

    That is the time they take on an idle machine, and nearly that on a busy one. Once a GPU is in use it is the time of day.
    """
    import torch

    return time.perf_counter() if torch.cuda.is_initialized() else time.process_time()  # type: ignore[no-untyped-call]


def environment(place: str) -> dict[str, str]:
    """Describe the machine and the software, as far as they can change a result of arms that compute on `place`."""
    import torch

    cuda = place == "cuda"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "flags": " ".join(flag for flag in _flags() if flag.startswith(("avx512_", "amx", "avx2", "asimd", "sve"))),
        "threads": str(torch.get_num_threads()),
        "cores": str(os.cpu_count()),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        **({"driver": _driver(), "cuda": str(torch.version.cuda)} if cuda else {}),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{library: _version(library) for library in LIBRARIES},
        "git": _git(),
    }


def ability(environment: Mapping[str, str]) -> int:
    """Return the place of a processor's ablest unit in `UNITS`, from 0; their number where it has none of them."""
    flags = environment.get("flags", "").split()
    return next((place for place, one in enumerate(UNITS) if one in flags), len(UNITS))


def hardware(environment: Mapping[str, str]) -> str:
    """Return the key under which results of a machine lie: "amd-epyc-avx2-2-threads", "nvidia-h100-80gb-hbm3"."""
    device = environment.get("device", "cpu")
    unit = (*UNITS, "")[ability(environment)]
    told = f"{environment.get('processor', '')} {unit} {environment.get('threads', '')} threads" if device == "cpu" else device
    return re.sub(r"[^a-z0-9]+", "-", told.lower()).strip("-")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread; also a decorator.

    On small matrices several threads wait for each other longer than they compute, on a machine that others use too much
    longer, and one thread adds up in the same order on every machine.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def noise(clock: Callable[[], float]) -> dict[str, float]:
    """Time the same matrix product many times; return the median in milliseconds and the interquartile range relative to it."""
    import torch

    matrix = torch.ones(SIDE, SIDE)
    milliseconds = []
    for _ in range(PROBES):
        start = clock()
        torch.mm(matrix, matrix)
        milliseconds.append(1e3 * (clock() - start))
    low, middle, high = statistics.quantiles(milliseconds, n=4)
    return {"milliseconds": round(middle, 4), "spread": round((high - low) / middle, 4)}


def unsteadiness(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return by which share speeds of a run may be off because the machine was not steady: drift or spread, the larger."""
    drift = abs(after["milliseconds"] / before["milliseconds"] - 1)
    return round(max(drift, before["spread"], after["spread"]), 4)


def work() -> tuple[float, float, float] | None:
    """Return (a clock, seconds that all processors have worked, seconds of these for this process); None where nothing tells."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _, _, interrupts, soft, stolen = map(int, fields)  # proc(5); stolen: by other guests of the same host
    worked = (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
    return (time.perf_counter(), worked, sum(os.times()[:4])) if worked else None  # some sandboxes tell of no work at all


def crowding(
    before: tuple[float, float, float] | None, after: tuple[float, float, float] | None, *, threads: int, cores: int
) -> float:
    """Return by which share times of day may be too long because others worked too: what they took beyond the free cores."""
    if before is None or after is None:
        return 0.0
    passed, worked, own = (late - early for early, late in zip(before, after, strict=True))
    others = max(0.0, worked - own) / max(passed, 1e-9)
    return round(max(0.0, threads + others - cores) / threads, 4)


def forget_peak() -> None:
    """Let `peak_megabytes` start anew, where the system can (Linux: clear_refs in proc(5)), and `gpu_megabytes` too."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.reset_peak_memory_stats()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_megabytes() -> float:
    """Return the most memory this process has held since `forget_peak`, or since its start where that does nothing."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        status = ""
    if (found := re.search(r"VmHWM:\s+(\d+) kB", status)) is not None:
        return int(found[1]) / 1e3
    try:
        import resource  # not on Windows
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def gpu_megabytes() -> float | None:
    """Return the most memory that tensors have held on the GPU since `forget_peak`; None where it was not used."""
    import torch

    return round(torch.cuda.max_memory_allocated() / 1e6, 1) if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]


def tensor_megabytes(call: Callable[[], object]) -> float:
    """Return the most memory that tensors made inside `call` held at one time, in megabytes.

    Counts the storages that operations return, from their making to their end, so the answer is the same on every run and
    every machine; buffers inside a single kernel are not seen.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    held: dict[int, int] = {}
    most = 0

    class Count(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal most
            result = function(*args, **(kwargs or {}))
            given = {one.untyped_storage()._cdata for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)}
            for one in tree_leaves(result):
                if isinstance(one, torch.Tensor):
                    storage = one.untyped_storage()
                    if (
                        storage._cdata not in held and storage._cdata not in given
                    ):  # a view or a change in place holds nothing new
                        held[storage._cdata] = storage.nbytes()
                        weakref.finalize(storage, held.pop, storage._cdata, None)
            most = max(most, sum(held.values()))
            return result

    with Count():  # type: ignore[no-untyped-call]
        call()
    return most / 1e6


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _driver() -> str:
    try:
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def _cpuinfo(key: str) -> str:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == key), "")


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _flags() -> list[str]:
    return sorted((_cpuinfo("flags") or _cpuinfo("Features")).split())


def _git() -> str:
    """Return the commit of a checkout, with a + if files were changed; empty outside one."""
    try:
        folder = Path(__file__).parent
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit.stdout.strip() + ("+" if dirty.stdout.strip() else "")
