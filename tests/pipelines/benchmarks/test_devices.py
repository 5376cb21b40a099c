"""Arms that use a GPU keep all their tensors on it; torch's meta device, which holds no numbers, stands in for one."""

import sys

import pytest
import torch

from pipelines import benchmarks
from pipelines.benchmarks import architectures, diffusion, digits, harness, latency, machine, memory_speed, mixed_precision

META = "meta"


def test_a_decoder_trains_and_writes_where_its_words_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_speed, "NEW", 3)
    model, words = memory_speed.decoder().to(META), torch.zeros(2, 9, dtype=torch.long, device=META)
    memory_speed.train_step(model, words)
    memory_speed.train_step(model, words, checkpointed=True)
    for arm in (memory_speed.NO_CACHE, memory_speed.CACHE, memory_speed.INT8):
        assert memory_speed.write(model, words, arm).device.type == META


def test_a_diffusion_model_trains_where_its_points_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusion, "TRAINING", 2)
    with torch.device(META):
        model, (points, classes) = diffusion.trained(0), diffusion.moons(20, 0)
        found = model(points, torch.full_like(classes, 7), classes)
    assert found.device.type == META


@pytest.mark.parametrize("build", architectures.KINDS.values(), ids=architectures.KINDS)
def test_every_kind_of_network_trains_where_its_images_are(build: object) -> None:
    model = build().to(META)  # type: ignore[operator]
    x, y = torch.zeros(40, 64, device=META), torch.zeros(40, dtype=torch.long, device=META)
    assert digits.train(model, x, y, epochs=1)(x).device.type == META


def test_mixed_precision_trains_where_it_is_told_to() -> None:
    step, model = mixed_precision.training(0, 8, mixed_precision.ARMS["fp32"], META)
    step(torch.zeros(4, 64, device=META), torch.zeros(4, dtype=torch.long, device=META))
    assert {parameter.device.type for parameter in model.parameters()} == {META}


def test_requests_are_timed_where_the_device_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "device", lambda: META)
    monkeypatch.setattr(latency, "ROUNDS", 1)
    assert latency._service_times(0).shape == (len(latency.LENGTHS), 1)


def test_a_benchmark_says_that_it_uses_a_gpu_exactly_if_it_does() -> None:
    told = {name for name, one in benchmarks.BENCHMARKS.items() if one.gpu}
    asks = {name for name, one in benchmarks.BENCHMARKS.items() if hasattr(sys.modules[one.run.__module__], "device")}
    assert told == asks != set()


def test_a_benchmark_is_timed_by_the_stopwatch_exactly_if_its_arms_are() -> None:
    told = {name for name, one in benchmarks.BENCHMARKS.items() if one.clock is machine.stopwatch}
    asks = {name for name, one in benchmarks.BENCHMARKS.items() if hasattr(sys.modules[one.run.__module__], "stopwatch")}
    assert told == asks != set()


@pytest.mark.parametrize(("gpu", "place"), [(True, "cuda"), (False, "cpu")])
def test_the_result_of_arms_on_the_processor_is_the_processors_also_where_a_gpu_is(
    gpu: bool, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(machine, "device", lambda: "cuda")
    monkeypatch.setattr(machine, "environment", lambda place: seen.append(place) or {"date": "2026-01-01", "device": place})
    monkeypatch.setattr(machine, "noise", lambda clock: {"milliseconds": 1.0, "spread": 0.01})
    measured = harness.Measured([], [], {}, {})
    benchmark = harness.Benchmark("made-up", "?", "", "", "", (), 1, lambda seeds, advance: measured, gpu=gpu)
    harness.run(benchmark, quick=True, advance=lambda _: None)
    assert seen == [place]
