"""Counters of energy: read from a folder like Linux's and from a stand-in for NVML."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.benchmarks import energy
from pipelines.benchmarks.energy import Counter


def zone(folder: Path, place: str, name: str, microjoules: int, most: int = 262_143_328_850) -> None:
    """Make a zone as powercap shows it."""
    made = folder / place
    made.mkdir(parents=True, exist_ok=True)
    for file, value in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (made / file).write_text(f"{value}\n", encoding="ascii")


def test_a_machine_that_hides_its_counters_tells_no_energy(tmp_path: Path) -> None:
    assert energy.processor(tmp_path / "none") == {}
    assert energy.spent({}, {}) is None


def test_the_energy_of_all_packages_is_added_up(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 2_500_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 1_000_000)
    before = energy.processor(tmp_path)
    zone(tmp_path, "intel-rapl:0", "package-0", 5_500_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 1_500_000)
    assert energy.spent(before, energy.processor(tmp_path)) == 3.5


def test_zones_that_packages_hold_or_that_hold_them_are_not_counted_twice(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    zone(tmp_path, "intel-rapl:0:0", "core", 1)
    zone(tmp_path, "intel-rapl:1", "psys", 1)
    assert list(energy.processor(tmp_path)) == ["package-0"]


def test_a_counter_that_began_anew_is_allowed_for() -> None:
    assert energy.spent({"package-0": Counter(90.0, 100.0)}, {"package-0": Counter(20.0, 100.0)}) == 30.0


def test_a_counter_that_fell_and_never_wraps_tells_nothing() -> None:
    assert energy.spent({"gpu": Counter(90.0)}, {"gpu": Counter(20.0)}) is None


def test_a_counter_that_cannot_be_parsed_tells_nothing(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("", encoding="ascii")
    assert energy.processor(tmp_path) == {}


def nvml(asked: list[str], *, told: bool = True) -> SimpleNamespace:
    """Stand in for nvidia-ml-py: a GPU whose counter says 7,000 mJ, or that has none."""

    class NVMLError(Exception):
        pass

    def consumption(handle: object) -> int:
        if not told:
            raise NVMLError("not supported")
        return 7_000

    return SimpleNamespace(
        NVMLError=NVMLError, nvmlInit=lambda: None, nvmlShutdown=lambda: None,
        nvmlDeviceGetHandleByUUID=asked.append, nvmlDeviceGetTotalEnergyConsumption=consumption,
    )  # fmt: skip


def test_a_gpu_is_asked_by_its_id_and_tells_joules(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setitem(sys.modules, "pynvml", nvml(asked))
    assert energy.of_gpu("1234-abcd") == {"gpu": Counter(7.0)}
    assert asked == ["GPU-1234-abcd"]


def test_a_gpu_without_a_counter_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml([], told=False))
    assert energy.of_gpu("1234-abcd") == {}


def test_without_the_library_a_gpu_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy.of_gpu("1234-abcd") == {}
