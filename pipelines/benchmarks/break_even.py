"""Training against inference: after how many requests has the making of a smaller model paid for itself?"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, alternate, column, differences, over_seeds
from pipelines.benchmarks.machine import one_thread, stopwatch
from pipelines.benchmarks.pruning import fewer_neurons

WIDTH, EPOCHS, FURTHER, CUT, BATCH = 512, 15, 15, 0.75, 256
LARGE, SMALLER, FRESH = "large", "large, then three quarters of its neurons cut", "small from the start"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train a large model, make a smaller one of it, and weigh the cost of that against what each request saves."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    data = digits.load(seed)
    spent: dict[str, float] = {}

    def trained(arm: str, model: Any, epochs: int) -> Any:
        start = stopwatch()
        digits.train(model, data.train_x, data.train_y, epochs=epochs)
        spent[arm] = stopwatch() - start
        return model

    large = trained(LARGE, digits.perceptron(64, WIDTH, WIDTH, 10), EPOCHS)
    smaller = trained(SMALLER, fewer_neurons(large, CUT), FURTHER)
    fresh = trained(FRESH, digits.perceptron(64, WIDTH // 4, WIDTH // 4, 10), EPOCHS + FURTHER)
    models = {LARGE: large, SMALLER: smaller, FRESH: fresh}
    seconds: dict[str, dict[str, float]] = {}
    for size in (1, BATCH):
        calls = {arm: partial(model, data.test_x[:size]) for arm, model in models.items()}
        with torch.inference_mode():
            timed = alternate(calls, rounds=60, budget=1.0, clock=stopwatch)
        seconds[f"seconds, batch {size}"] = {arm: statistics.median(values) / size for arm, values in timed.items()}
    trained_on = len(data.train_x)
    training = {LARGE: 0.0, SMALLER: FURTHER * training_operations(smaller) * trained_on, FRESH: 0.0}
    return {
        "accuracy": {arm: digits.accuracy(model, data.test_x, data.test_y) for arm, model in models.items()},
        **seconds,
        "extra seconds": {SMALLER: spent[SMALLER]},
        "operations": {arm: operations(model) for arm, model in models.items()},
        "break-even": {
            "operations": break_even(training[SMALLER], operations(large), operations(smaller)),
            **{
                name.replace("seconds", "time"): break_even(spent[SMALLER], arms[LARGE], arms[SMALLER])
                for name, arms in seconds.items()
            },
        },
    }


def operations(model: Any) -> float:
    """Return the floating-point operations of one answer: a product and a sum for each weight."""
    return 2.0 * sum(int(layer.weight.numel()) for layer in model if hasattr(layer, "weight"))


def training_operations(model: Any) -> float:
    """Return those of a step of training for one image: forward, and twice as many backward.

    As in Kaplan et al., "Scaling laws for neural language models", 2020.
    """
    return 3.0 * operations(model)


def break_even(extra: float, before: float, after: float) -> float:
    """Return the number of requests at which `extra` is paid back; infinite where a request costs no less than before."""
    return extra / (before - after) if after < before else float("inf")


def _told(scores: Scores) -> Measured:
    accuracy, even = scores["accuracy"], scores["break-even"]
    alone, batched = even["time, batch 1"], even[f"time, batch {BATCH}"]
    headlines = [
        Headline("break-even, batches", "speed", [value / 1e3 for value in batched], "thousand requests", LARGE, 2.5,
                 f"Cutting three quarters of the neurons and training on pays for itself after {{}} thousand requests in "
                 f"batches of {BATCH}, in time on the machine named below."),
        Headline("accuracy", "quality", differences(accuracy, SMALLER, LARGE), "percentage points", LARGE, 2.5,
                 "Accuracy changes by {} percentage points."),
        Headline("break-even, operations", "quality", [value / 1e3 for value in even["operations"]], "thousand requests",
                 LARGE, 0.5,
                 "Counted in operations it is {} thousand requests."),
        Headline("single requests", "speed", [a / b for a, b in zip(batched, alone, strict=True)], "times", "batches", 2.5,
                 "For single requests the number is {} times smaller: each of them saves more time."),
        Headline("small from the start", "quality", differences(accuracy, FRESH, SMALLER), "percentage points", SMALLER, 2.0,
                 "A model that is small from the start and trains as many epochs in all differs from the cut one by {} "
                 "percentage points.", True),
    ]  # fmt: skip
    requests = {name: [value / 1e3 for value in values] for name, values in even.items()}
    return Measured(
        headlines=headlines,
        charts=[("thousand requests until the smaller model has paid for itself", requests), ("accuracy", accuracy)],
        table={
            "accuracy, %": column(accuracy, "{:.2f}", 100),
            "thousand operations a request": column(scores["operations"], "{:.0f}", 1e-3),
            **{
                f"microseconds a request, batch {size}": column(scores[f"seconds, batch {size}"], "{:.2f}", 1e6)
                for size in (1, BATCH)
            },
            "extra training, s": column(scores["extra seconds"], "{:.2f}"),
            "thousand requests": column(requests, "{:.0f}"),
        },
        raw=scores,
        seconds={f"{arm}, batch {BATCH}": values for arm, values in scores[f"seconds, batch {BATCH}"].items()},
    )


BENCHMARK = Benchmark(
    name="break-even",
    question="After how many requests has the making of a smaller model paid for itself?",
    claim="Compressing a model saves cost.",
    origin="Sardana et al., arXiv:2401.00448, count training and inference together",
    protocol=(
        f"A perceptron (64-{WIDTH}-{WIDTH}-10) is trained {EPOCHS} epochs on 70% of scikit-learn's digits, once a seed; three "
        f"quarters of its hidden neurons are cut and the rest trained {FURTHER} epochs more. The extra training is divided by "
        f"what one request saves, in measured time (single, and in batches of {BATCH}) and in operations. Accuracy is on the "
        "other 30%. All on one thread, timed by what the processor works."
    ),
    limits=(
        "The time of the engineer, of a second deployment and of its tests is not counted, and is often the larger part.",
        "Training and serving run on the same processor here; elsewhere they have different prices.",
    ),
    seconds_quick=20,
    run=measure,
    clock=stopwatch,
    seeds=5,
    seeds_quick=2,
    themes=("evaluation/cost-latency", "inference-efficiency/pruning-sparsity"),
    papers={
        "arxiv:2401.00448": "Where many requests are expected, smaller models trained longer than compute-optimal cost less "
        "in all.",
        "arxiv:2203.15556": "",
    },
)  # fmt: skip
