"""Mixed precision: does training in 16 bits save time and memory at no loss, and when does fp16 need its loss scaled?"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import (
    Benchmark,
    Headline,
    Measured,
    Scores,
    alternate,
    column,
    differences,
    over_seeds,
    quotients,
)
from pipelines.benchmarks.machine import device, one_thread, stopwatch, tensor_megabytes

EPOCHS, BATCH, WIDTH = 15, 128, 128
"""Of the trainings whose accuracy is told; times and memory are of single steps of a wider network."""
WIDE, MANY, FEW = 1024, 4096, 64
TIMED = {"cpu": (1024, 128), "cuda": (8192, 4096)}
"""Width and images of the steps that are timed: enough for products to take most of the time."""
SMALL = 1e-5
"""In the hard case the loss is this small, as with a mean over many outputs, or a term of little weight."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to train: the format of products (empty: fp32 throughout), and whether the loss is scaled."""

    format: str = ""
    scaled: bool = False


FP32, BF16, FP16, SCALED = "fp32", "bf16", "fp16", "fp16, loss scaled"
ARMS = {FP32: Arm(), BF16: Arm("bfloat16"), FP16: Arm("float16"), SCALED: Arm("float16", scaled=True)}


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train the same network in every format, with a usual and with a small loss; time and weigh single steps."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    data = digits.load(seed)
    place = device()
    x, y, test_x, test_y = (part.to(place) for part in (data.train_x, data.train_y, data.test_x, data.test_y))

    def accuracy(arm: Arm, weight: float) -> float:
        step, model = training(seed, WIDTH, arm, place, weight)
        for _ in range(EPOCHS):
            for chosen in torch.split(torch.randperm(len(x)).to(place), BATCH):
                step(x[chosen], y[chosen])
        return digits.accuracy(model, test_x, test_y)

    def one_step(arm: Arm, width: int, images: int) -> Callable[[], None]:
        step, _ = training(seed, width, arm, place)
        some = torch.arange(images).to(place) % len(x)
        return lambda: step(x[some], y[some])

    def timed(width: int, images: int, budget: float) -> dict[str, float]:
        steps = {name: one_step(ARMS[name], width, images) for name in (FP32, BF16, FP16)}
        found = alternate(steps, rounds=5, warm_up=1, budget=budget, clock=stopwatch)
        return {name: statistics.median(values) for name, values in found.items()}

    return {
        "accuracy": {name: accuracy(arm, 1.0) for name, arm in ARMS.items()},
        "accuracy, small loss": {name: accuracy(arm, SMALL) for name, arm in ARMS.items()},
        "seconds": timed(*TIMED[place], budget=6.0),
        "seconds, small network": timed(WIDTH, BATCH, budget=2.0),
        "megabytes, large batch": {name: tensor_megabytes(one_step(ARMS[name], WIDTH, MANY)) for name in (FP32, BF16)},
        "megabytes, small batch": {name: tensor_megabytes(one_step(ARMS[name], WIDE, FEW)) for name in (FP32, BF16)},
    }


def training(seed: int, width: int, arm: Arm, place: str = "cpu", weight: float = 1.0) -> tuple[Callable[[Any, Any], None], Any]:
    """Return a step of training, (images, labels) -> None, and the model that it trains; `weight` multiplies the loss.

    Weights stay in fp32. Micikevicius et al., "Mixed precision training", ICLR 2018.
    """
    import torch

    torch.manual_seed(seed)
    model = digits.perceptron(digits.SIDE**2, width, width, digits.CLASSES).to(place)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1 / weight, momentum=0.9)  # undoes the weight: fp32 takes equal steps
    scaler = torch.amp.GradScaler(place, enabled=arm.scaled)

    def step(images: Any, labels: Any) -> None:
        optimizer.zero_grad()
        with torch.autocast(place, getattr(torch, arm.format)) if arm.format else nullcontext():
            loss = weight * torch.nn.functional.cross_entropy(model(images), labels)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()

    return step, model


def _told(scores: Scores) -> Measured:
    accuracy, small, seconds = scores["accuracy"], scores["accuracy, small loss"], scores["seconds"]
    large, little = scores["megabytes, large batch"], scores["megabytes, small batch"]
    brief = scores["seconds, small network"]
    headlines = [
        Headline("speed bf16", "speed", quotients(seconds, FP32, BF16), "times", FP32, 1.8,
                 "A training step in bf16 runs {} times as fast as in fp32 on the machine named below."),
        Headline("accuracy bf16", "quality", differences(accuracy, BF16, FP32), "percentage points", FP32, 1.2,
                 "Training in bf16 changes accuracy by {} percentage points."),
        Headline("memory bf16", "size", quotients(large, FP32, BF16), "times", FP32, 1.05,
                 f"With {MANY} images a step, bf16 takes {{}} times less memory."),
        Headline("small loss, scaled", "quality", differences(small, SCALED, FP32), "percentage points", FP32, 1.5,
                 "Where the loss is small, fp16 with a scaled loss differs from fp32 by {} percentage points."),
        Headline("small loss, not scaled", "quality", differences(small, FP16, FP32), "percentage points", FP32, 22.0,
                 "Without scaling small gradients become zero, and fp16 differs from fp32 by {} percentage points.", True),
        Headline("memory bf16, small batch", "size", quotients(little, FP32, BF16), "times", FP32, 1.05,
                 f"With {FEW} images a step and a wide network, bf16 takes {{}} times less memory: weights and their "
                 "moments stay in fp32, and copies are added.", True),
        Headline("speed bf16, small network", "speed", quotients(brief, FP32, BF16), "times", FP32, 1.8,
                 f"With hidden layers of {WIDTH} a step in bf16 runs {{}} times as fast: converting numbers takes what the "
                 "products save.", True),
        Headline("speed fp16", "speed", quotients(seconds, FP32, FP16), "times", FP32, 1.8,
                 "On this machine fp16 runs {} times as fast as fp32; it is fast only where the processor has units for "
                 "it.", True),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            ("accuracy", accuracy),
            (f"accuracy, loss times {SMALL:g}", small),
            ("milliseconds a step of a wide network", {arm: [1e3 * one for one in values] for arm, values in seconds.items()}),
        ],
        table={
            "accuracy, %": column(accuracy, "{:.2f}", 100),
            "small loss, %": column(small, "{:.2f}", 100),
            "ms a step, wide": column(seconds, "{:.1f}", 1e3),
            "ms a step, small": column(brief, "{:.2f}", 1e3),
            f"MB, {MANY} images": column(large, "{:.1f}"),
            f"MB, {FEW} images, wide": column(little, "{:.1f}"),
        },
        raw=scores,
        seconds=seconds,
    )


BENCHMARK = Benchmark(
    name="mixed-precision",
    question="Does training with 16-bit products save time and memory at no loss of accuracy?",
    claim="Mixed precision trains faster in less memory to the same accuracy; fp16 needs its loss scaled, bf16 does not.",
    origin="Micikevicius et al., arXiv:1710.03740",
    protocol=(
        f"A perceptron (64-{WIDTH}-{WIDTH}-10) is trained {EPOCHS} epochs with momentum on 70% of scikit-learn's digits, once a "
        f"seed, with torch.autocast in each format; weights stay in fp32. In the hard case the loss is multiplied by {SMALL:g} "
        "and the learning rate divided by it, which changes nothing in exact arithmetic. Accuracy is on the other 30%. Times "
        f"are medians of single steps, arms in turn: on a processor {TIMED['cpu'][1]} images and hidden layers of "
        f"{TIMED['cpu'][0]}, on a GPU {TIMED['cuda'][1]} and {TIMED['cuda'][0]}; small ones as in training. Memory "
        f"is the most that the tensors of a step hold at one time, beside the weights; wide networks have {WIDE}. All on one "
        "thread, timed by what the processor works, on a GPU by the clock."
    ),
    limits=(
        "Small networks; large language models meet instabilities in bf16 and fp16 that this one does not.",
        "On a processor without units for fp16 its times say nothing about GPUs, which have them.",
    ),
    seconds_quick=35,
    run=measure,
    gpu=True,
    clock=stopwatch,
    seeds=5,
    seeds_quick=2,
    themes=("training-efficiency/mixed-precision",),
    papers={
        "arxiv:1710.03740": "fp16 with fp32 master weights and loss scaling matched fp32 over classification, detection, speech, "
        "translation and language models; some of them diverged or lost accuracy without scaling.",
        "arxiv:1502.02551": "16-bit fixed-point training works with stochastic rounding and fails when rounding to nearest.",
    },
)
