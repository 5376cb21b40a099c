"""What is recorded of the machine: memory, energy, steadiness, the key of its kind."""

import time

import pytest
import torch

from pipelines.benchmarks import machine


def test_memory_of_tensors_is_the_most_that_was_held_at_one_time() -> None:
    def call() -> None:
        first = torch.zeros(1000, 250)  # one megabyte each
        second = first + 1
        del first
        third = second + 1
        del second, third

    assert machine.tensor_megabytes(call) == 2.0


def test_views_and_changes_in_place_take_no_memory() -> None:
    def call() -> None:
        one = torch.zeros(1000, 250)
        one.view(-1)[:10].add_(1)

    assert machine.tensor_megabytes(call) == 1.0


def test_what_training_keeps_for_the_way_back_is_counted() -> None:
    weight = torch.randn(100, 100, requires_grad=True)

    def forward(layers: int) -> None:
        x = torch.ones(2500, 100)
        for _ in range(layers):
            x = torch.tanh(x @ weight)
        x.sum().backward()

    assert machine.tensor_megabytes(lambda: forward(8)) > 1.5 * machine.tensor_megabytes(lambda: forward(4))


def test_the_stopwatch_stands_while_the_processor_works_for_others() -> None:
    start, begun = machine.stopwatch(), time.perf_counter()
    time.sleep(0.2)
    assert machine.stopwatch() - start < 0.1 < time.perf_counter() - begun


def test_a_machine_that_slowed_down_is_unsteady() -> None:
    before, after = {"milliseconds": 1.0, "spread": 0.02}, {"milliseconds": 1.3, "spread": 0.02}
    assert machine.unsteadiness(before, after) == 0.3
    assert machine.unsteadiness(before, before) == 0.02


def test_the_peak_of_the_process_grows_with_what_it_holds() -> None:
    machine.forget_peak()
    before = machine.peak_megabytes()
    held = torch.ones(25_000_000)
    assert machine.peak_megabytes() > before + 50
    assert len(held) == 25_000_000


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"processor": "AMD EPYC", "threads": "2", "device": "cpu"}, "amd-epyc-2-threads"),
        ({"processor": "AMD EPYC", "flags": "avx2", "threads": "2", "device": "cpu"}, "amd-epyc-avx2-2-threads"),
        (
            {"processor": "AMD EPYC", "flags": "avx2 avx512_bf16 avx512_vnni", "threads": "2", "device": "cpu"},
            "amd-epyc-avx512-bf16-2-threads",
        ),
        ({"processor": "AMD EPYC", "threads": "2", "device": "NVIDIA H100 80GB HBM3"}, "nvidia-h100-80gb-hbm3"),
    ],
)
def test_results_are_keyed_by_the_kind_of_machine(environment: dict[str, str], key: str) -> None:
    assert machine.hardware(environment) == key


def test_others_that_leave_cores_free_crowd_nobody() -> None:
    assert machine.crowding((0.0, 0.0, 0.0), (10.0, 30.0, 20.0), threads=2, cores=4) == 0.0


def test_what_others_take_beyond_the_free_cores_may_have_made_times_longer() -> None:
    assert machine.crowding((5.0, 100.0, 7.0), (15.0, 120.0, 17.0), threads=2, cores=2) == 0.5


def test_without_the_systems_word_nothing_is_known_of_others() -> None:
    assert machine.crowding(None, None, threads=2, cores=2) == 0.0


@pytest.mark.skipif(machine.work() is None, reason="this system does not tell how much its processors have worked")
def test_work_of_this_process_is_part_of_all_work() -> None:
    before = machine.work()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    after = machine.work()
    assert before is not None
    assert after is not None
    passed, worked, own = (late - early for early, late in zip(before, after, strict=True))
    assert passed >= 0.2
    assert own >= 0.15
    assert worked >= own - 0.05
