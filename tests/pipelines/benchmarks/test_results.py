"""Results on disk: by kind of machine, checked against their schema, with what re-runs confirmed."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kb.errors import InvalidInput
from pipelines import benchmarks
from pipelines.benchmarks import results
from pipelines.sources.starter import library


def shipped() -> dict[str, Any]:
    found = benchmarks.recorded("quantization", Path("nowhere"))
    assert found is not None
    return found


def on(hardware: str) -> dict[str, Any]:
    told = shipped()
    return {**told, "hardware": hardware, "environment": {**told["environment"], "device": hardware, "flags": hardware}}


@pytest.mark.parametrize("path", sorted(Path(results.__file__).parent.glob("results/*--*.json")), ids=lambda path: path.stem)
def test_every_shipped_result_follows_the_published_schema(path: Path) -> None:
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), benchmarks.schema())


def test_a_result_without_its_headlines_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**shipped(), "headlines": []}), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"no benchmark result.*headlines"):
        benchmarks.load(path)


def test_results_of_two_machines_lie_side_by_side(tmp_path: Path) -> None:
    paths = {benchmarks.save(on(hardware), tmp_path).name for hardware in ("cpu-a", "gpu-b")}
    assert paths == {"quantization--cpu-a.json", "quantization--gpu-b.json"}
    assert {"cpu-a", "gpu-b"} <= {one["hardware"] for one in benchmarks.published(tmp_path)}


def test_the_result_of_a_like_machine_is_compared_first(tmp_path: Path) -> None:
    for hardware in ("cpu-a", "gpu-b"):
        benchmarks.save(on(hardware), tmp_path)
    found = benchmarks.recorded("quantization", tmp_path, like=on("gpu-b"))
    assert found is not None
    assert found["hardware"] == "gpu-b"


def test_the_steadiest_machine_is_shown_first(tmp_path: Path) -> None:
    for hardware, unsteadiness in (("cpu-a", 2.0), ("cpu-b", 0.1)):
        told = on(hardware)
        benchmarks.save({**told, "machine": {**told["machine"], "unsteadiness": unsteadiness}}, tmp_path)
    first = next(one for one in benchmarks.published(tmp_path) if one["name"] == "quantization")
    assert first["hardware"] == "cpu-b"


def test_the_ablest_processor_is_shown_first(tmp_path: Path) -> None:
    for hardware, flags in (("cpu-a", "avx2"), ("cpu-b", "avx2 avx512_bf16")):
        told = on(hardware)
        benchmarks.save({**told, "environment": {**told["environment"], "flags": flags}}, tmp_path)
    first = next(one for one in benchmarks.published(tmp_path) if one["name"] == "quantization")
    assert first["environment"]["flags"] == "avx2 avx512_bf16"


def test_a_machine_without_a_gpu_is_shown_before_one_that_has_one(tmp_path: Path) -> None:
    for hardware, device, flags in (("gpu-a", "A Card", "avx512_bf16 amx_tile"), ("cpu-b", "cpu", "avx2")):
        told = on(hardware)
        benchmarks.save({**told, "environment": {**told["environment"], "device": device, "flags": flags}}, tmp_path)
    first = next(one for one in benchmarks.published(tmp_path) if one["name"] == "quantization")
    assert first["hardware"] == "cpu-b"


def test_what_a_rerun_confirmed_is_shown_and_what_differed_is_not(tmp_path: Path) -> None:
    old = on("cpu-a")
    benchmarks.save(old, tmp_path)
    new = json.loads(json.dumps(old))
    new["headlines"][0]["value"] += 100
    benchmarks.confirm(old, new, benchmarks.verdicts(old, new), tmp_path)
    (told,) = [one for one in benchmarks.published(tmp_path) if one["hardware"] == "cpu-a"]
    assert told["confirmed"]["headlines"] == [one["name"] for one in old["headlines"][1:]]


def test_a_changed_result_loses_what_was_confirmed(tmp_path: Path) -> None:
    old = on("cpu-a")
    benchmarks.confirm(old, old, benchmarks.verdicts(old, old), tmp_path)
    benchmarks.save({**old, "seconds": 99.0}, tmp_path)
    (told,) = [one for one in benchmarks.published(tmp_path) if one["hardware"] == "cpu-a"]
    assert told["confirmed"] is None


def test_every_benchmark_names_themes_and_papers_that_exist() -> None:
    from kb import taxonomy

    known, works = {theme.id for theme in taxonomy.load().themes}, {work.id for work in library()}
    for benchmark in benchmarks.BENCHMARKS.values():
        assert set(benchmark.themes) <= known, benchmark.name
        assert set(benchmark.papers) <= works, benchmark.name
