"""Does `kb bench verify` catch what was made worse? Plants a change in a benchmark, runs it and holds it against its record.

    python tests/comparison/planted_changes.py [HOME]

HOME is a home folder with results of this kind of machine; without it the shipped ones are taken, and where none is of this kind
of machine speeds cannot be judged. Each benchmark also runs unchanged, which must raise no alarm.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from pipelines import benchmarks
from pipelines.benchmarks import data_bias, digits, memory_speed, mixed_precision, pruning, quantization

TIMES = 3
"""How often a slowed arm does its work. Twice is too near to what the arms of quantization vary by: not all of a call is work."""


@contextmanager
def slower(module: Any, arm: str) -> Iterator[None]:
    """Let one arm do its work `TIMES` times wherever it is timed."""
    real = module.alternate

    def alternate(arms: Mapping[str, Callable[[], object]], **told: Any) -> Any:
        def again() -> None:
            for _ in range(TIMES):
                arms[arm]()

        return real({**arms, arm: again}, **told)

    with mock.patch.object(module, "alternate", alternate):
        yield


@contextmanager
def unscaled() -> Iterator[None]:
    """Leave the scaling of the loss out."""
    arms = {**mixed_precision.ARMS, mixed_precision.SCALED: mixed_precision.ARMS[mixed_precision.FP16]}
    with mock.patch.object(mixed_precision, "ARMS", arms):
        yield


@contextmanager
def fewer_levels() -> Iterator[None]:
    """Round to two bits where eight are meant."""
    real = quantization._to_int
    with mock.patch.object(quantization, "_to_int", lambda values, bits: real(values, min(bits, 2))):
        yield


@contextmanager
def untrained() -> Iterator[None]:
    """Train for a fifth of the epochs."""
    real = digits.train
    with mock.patch.object(digits, "train", lambda *given, epochs, **told: real(*given, epochs=max(1, epochs // 5), **told)):
        yield


@contextmanager
def alike() -> Iterator[None]:
    """Let the minority look like everybody else."""
    with mock.patch.object(data_bias, "inverted", lambda images: images):
        yield


@contextmanager
def nothing() -> Iterator[None]:
    """Change nothing."""
    yield


CHANGES: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "memory-speed": {"the cache's arm does its work three times": lambda: slower(memory_speed, memory_speed.CACHE)},
    "pruning": {
        "the smaller network's arm does its work three times": lambda: slower(pruning, pruning.SMALLER),
        "a fifth of the training": untrained,
    },
    "mixed-precision": {"no scaling of the loss": unscaled},
    "quantization": {
        "two bits in place of eight": fewer_levels,
        "static int8 does its work three times": lambda: slower(quantization, quantization.STATIC),
    },
    data_bias.BENCHMARK.name: {"a minority like everybody else": alike},
}


def main(home: Path) -> None:
    for name, changes in CHANGES.items():
        for change, plant in {"none": nothing, **changes}.items():
            with plant():
                new = benchmarks.run(benchmarks.find(name), quick=True, advance=lambda _: None, home=home)
            old = benchmarks.recorded(name, home, like=new)
            assert old is not None
            rows = benchmarks.verdicts(old, new)
            wrong = [f"{row['name']} ({row['old']:.2f}, now {row['new']:.2f})" for row in rows if row["verdict"] == "differs"]
            print(f"{name}, change: {change}\n    alarm: {', '.join(wrong) or 'none'}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "nowhere"))
