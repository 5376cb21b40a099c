"""`kb bench`: results are kept, verified and compared; a planted change makes verify fail."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines import benchmarks

NAME = "latency"
"""The quickest of the benchmarks."""


def kb(home: Path, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", "--home", str(home), "bench", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def shipped() -> dict[str, Any]:
    found = benchmarks.recorded("quantization", Path("nowhere"))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a quick result."""
    folder = tmp_path_factory.mktemp("home")
    done = kb(folder, "run", NAME, "--quick", "--json")
    assert done.returncode == 0, done.stderr
    assert {"name", "headlines", "environment"} <= set(json.loads(done.stdout))
    return folder


def test_a_result_is_kept_under_the_kind_of_machine(home: Path) -> None:
    (path,) = (home / "benchmarks").glob(f"{NAME}--*.json")
    assert benchmarks.load(path)["quick"]


def test_a_planted_worse_number_makes_verify_fail_and_is_named(home: Path, tmp_path: Path) -> None:
    (path,) = (home / "benchmarks").glob(f"{NAME}--*.json")
    result = benchmarks.load(path)
    result["headlines"][0]["value"] *= 10
    benchmarks.save(result, tmp_path)
    done = kb(tmp_path, "verify", NAME, "--quick")
    assert done.returncode == 1
    assert result["headlines"][0]["name"] in done.stderr


def test_comparing_a_result_with_itself_finds_no_difference(tmp_path: Path) -> None:
    path = benchmarks.save(shipped(), tmp_path)
    done = kb(tmp_path, "compare", path, path, "--json")
    assert {row["verdict"] for row in json.loads(done.stdout)} <= {"same", "cannot tell"}


def test_run_wants_a_name_or_all(tmp_path: Path) -> None:
    done = kb(tmp_path, "run")
    assert done.returncode == 2
    assert "--all" in done.stderr


def test_results_of_different_benchmarks_are_not_compared(tmp_path: Path) -> None:
    one = benchmarks.save(shipped(), tmp_path)
    other = benchmarks.save({**shipped(), "name": "other"}, tmp_path)
    assert kb(tmp_path, "compare", one, other).returncode == 2


def test_comparing_results_of_two_machines_says_what_sets_them_apart(tmp_path: Path) -> None:
    one = benchmarks.save(shipped(), tmp_path)
    environment = {**shipped()["environment"], "device": "A GPU", "threads": "64"}
    other = benchmarks.save({**shipped(), "environment": environment, "hardware": "a-gpu"}, tmp_path)
    done = kb(tmp_path, "compare", one, other)
    assert done.returncode == 0
    assert "threads: 2 and 64; device: cpu and A GPU" in done.stderr
