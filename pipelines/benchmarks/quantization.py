"""Post-training quantization: what do fewer bits cost in accuracy, and what do they save in size and time?"""

import copy
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, alternate
from pipelines.benchmarks.machine import one_thread

WIDTH, EPOCHS, FURTHER, BATCH, ROUNDS = 512, 40, 10, 256, 40
TIMED = ("fp32", "bf16", "int8 weights", "int8 weights and activations")
BITS = {"int4 weights": 4, "int2 weights": 2}


@one_thread()
def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train one classifier a seed, quantize it every way, and measure all arms on the same test images."""
    accuracy: dict[str, list[float]] = {}
    size: dict[str, float] = {}
    seconds: dict[str, list[float]] = {}
    for seed in seeds:
        data = digits.load(seed)
        model = digits.train(digits.perceptron(64, WIDTH, WIDTH, 10), data.train_x, data.train_y, epochs=EPOCHS)
        arms = _quantized(model) | _trained_so(model, data)
        for arm, forward in arms.items():
            accuracy.setdefault(arm, []).append(digits.accuracy(forward, data.test_x, data.test_y))
            size[arm] = _kilobytes(model, arm)
        timed = _times({arm: arms[arm] for arm in TIMED}, data.test_x)
        for arm, values in timed.items():
            seconds.setdefault(arm, []).append(statistics.median(values))
        advance(1)
    return _told(accuracy, size, seconds)


def _quantized(model: Any) -> dict[str, Callable[[Any], Any]]:
    """Return arm -> forward function from float images to scores.

    Written on torch's own kernels rather than with torchao, because sentence-transformers imports torchao wherever it is
    installed, which would make every search two seconds slower.
    """
    import torch

    layers = [(layer.weight.detach(), layer.bias.detach()) for layer in model if hasattr(layer, "weight")]
    half = copy.deepcopy(model).to(torch.bfloat16)
    return {
        "fp32": model,
        "bf16": lambda images: half(images.to(torch.bfloat16)),
        "int8 weights": _forward([_int8_weights(*layer) for layer in layers]),
        "int8 weights and activations": _forward([_int8_both(*layer) for layer in layers]),
        **{arm: _forward([_rounded(*layer, bits) for layer in layers]) for arm, bits in BITS.items()},
    }


def _trained_so(model: Any, data: digits.Digits) -> dict[str, Callable[[Any], Any]]:
    """Train copies on with rounded weights, so that they learn to live with the rounding.

    Gradients pass through the rounding as if it were not there: Jacob et al., CVPR 2018, and Bengio et al., 2013.
    """
    import torch
    from torch.nn.utils import parametrize

    class Rounded(torch.nn.Module):
        def __init__(self, bits: int) -> None:
            super().__init__()
            self.bits = bits

        def forward(self, weight: Any) -> Any:
            integers, scale = _to_int(weight.detach(), self.bits)
            return weight + (integers * scale - weight).detach()

    trained = {}
    for arm, bits in BITS.items():
        learner = copy.deepcopy(model)
        for layer in learner:
            if hasattr(layer, "weight"):
                parametrize.register_parametrization(layer, "weight", Rounded(bits))
        trained[f"{arm}, trained so"] = digits.train(learner, data.train_x, data.train_y, epochs=FURTHER)
    return trained


def _forward(layers: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def forward(images: Any) -> Any:
        for layer in layers[:-1]:
            images = layer(images).relu_()
        return layers[-1](images)

    return forward


def _to_int(values: Any, bits: int) -> tuple[Any, Any]:
    """Round symmetrically with a scale per row; return (integers as int8, scales of shape (rows, 1))."""
    import torch

    most = 2 ** (bits - 1) - 1
    scale = values.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / most
    return (values / scale).round_().clamp_(-most, most).to(torch.int8), scale


def _int8_weights(weight: Any, bias: Any) -> Callable[[Any], Any]:
    """Weights in int8, activations in bf16, one fused kernel."""
    import torch

    rounded, scale = _to_int(weight, 8)
    scale, bias = scale.flatten().to(torch.bfloat16), bias.to(torch.bfloat16)
    return lambda images: torch._weight_int8pack_mm(images.to(torch.bfloat16), rounded, scale) + bias


def _int8_both(weight: Any, bias: Any) -> Callable[[Any], Any]:
    """Weights in int8, activations rounded to int8 a row when they arrive, products summed in int32."""
    import torch

    rounded, scale = _to_int(weight, 8)
    transposed, scale = rounded.t(), scale.flatten()

    def layer(images: Any) -> Any:
        small, rows = _to_int(images, 8)
        return torch._int_mm(small, transposed) * (rows * scale) + bias

    return layer


def _rounded(weight: Any, bias: Any, bits: int) -> Callable[[Any], Any]:
    """Weights rounded to few bits and computed with in fp32: shows the loss of accuracy, not the speed."""
    import torch

    integers, scale = _to_int(weight, bits)
    restored = integers * scale
    return lambda images: torch.nn.functional.linear(images, restored, bias)


def _kilobytes(model: Any, arm: str) -> float:
    """Size of the weights packed at the arm's number of bits, with a scale per output channel, biases in fp32."""
    bits = {"fp32": 32, "bf16": 16, **BITS}.get(arm.removesuffix(", trained so"), 8)
    total = 0
    for layer in model:
        if hasattr(layer, "weight"):
            channels, inputs = layer.weight.shape
            scales = channels * 32 if bits <= 8 else 0
            total += channels * inputs * bits + scales + channels * (16 if bits == 16 else 32)
    return total / 8_000


def _times(arms: dict[str, Callable[[Any], Any]], images: Any) -> dict[str, list[float]]:
    import torch

    def call(forward: Callable[[Any], Any]) -> Callable[[], object]:
        def timed() -> object:
            with torch.inference_mode():
                return forward(images[:BATCH])

        return timed

    return alternate({arm: call(forward) for arm, forward in arms.items()}, rounds=ROUNDS)


def _told(accuracy: dict[str, list[float]], size: dict[str, float], seconds: dict[str, list[float]]) -> Measured:
    def lost(arm: str) -> list[float]:
        return [100 * (one - base) for one, base in zip(accuracy[arm], accuracy["fp32"], strict=True)]

    def faster(arm: str) -> list[float]:
        return [base / one for one, base in zip(seconds[arm], seconds["fp32"], strict=True)]

    both = "int8 weights and activations"
    headlines = [
        Headline("accuracy int8", "quality", lost(both), "percentage points", "fp32", 1.0,
                 "Going from fp32 to int8 changes accuracy by {} percentage points."),
        Headline("accuracy int4", "quality", lost("int4 weights"), "percentage points", "fp32", 1.5,
                 "With int4 weights accuracy changes by {} percentage points."),
        Headline("accuracy int2", "quality", lost("int2 weights"), "percentage points", "fp32", 30.0,
                 "With int2 weights, rounded after training, it changes by {} percentage points.", True),
        Headline("accuracy int2, trained so", "quality", lost("int2 weights, trained so"), "percentage points", "fp32", 3.0,
                 f"Trained on for {FURTHER} epochs with int2 weights it changes by {{}} percentage points."),
        Headline("size int8", "size", [size["fp32"] / size[both]] * len(accuracy[both]), "times", "fp32", 1.02,
                 "int8 weights take {} times less space."),
        Headline("speed int8", "speed", faster(both), "times", "fp32", 2.7,
                 "int8 runs {} times as fast as fp32 on the machine named below, without compilation."),
        Headline("speed bf16", "speed", faster("bf16"), "times", "fp32", 2.7, "bf16 runs {} times as fast as fp32 there."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            ("change of accuracy against fp32, percentage points", {arm: lost(arm) for arm in accuracy if arm != "fp32"}),
            (f"milliseconds for a batch of {BATCH}", {arm: [1e3 * one for one in seconds[arm]] for arm in TIMED}),
        ],
        table={
            "accuracy, %": {arm: f"{100 * statistics.median(values):.2f}" for arm, values in accuracy.items()},
            "size, kB": {arm: f"{value:.0f}" for arm, value in size.items()},
            f"ms a batch of {BATCH}": {
                arm: f"{1e3 * statistics.median(seconds[arm]):.3f}" if arm in seconds else "not timed" for arm in accuracy
            },
        },
        raw={"accuracy": accuracy, "kilobytes": size, "seconds": seconds},
    )


BENCHMARK = Benchmark(
    name="quantization",
    question="What does rounding a trained network's numbers to fewer bits cost in accuracy, and save in size and time?",
    claim="Eight-bit numbers after training cost almost no accuracy, take a quarter of the space and run faster.",
    origin="Jacob et al., arXiv:1712.05877; Krishnamoorthi, arXiv:1806.08342",
    protocol=(
        f"A perceptron (64-{WIDTH}-{WIDTH}-10) is trained {EPOCHS} epochs on 70% of scikit-learn's 1,797 handwritten digits, "
        "once a seed, and rounded after training: symmetric, a scale per output channel; activations, where rounded, per "
        f"image, when they arrive. Accuracy is on the other 30%. Times are medians of {ROUNDS} rounds on a batch of {BATCH}, "
        "arms in turn, in eager mode. Sizes are of packed weights with their scales. int4 and int2 weights are computed with "
        "in fp32 after rounding, so they are not timed; those trained so go on for ten epochs with "
        "their weights rounded. All on one thread."
    ),
    limits=(
        "A small network on small images; large language models lose accuracy through outliers that this one does not have.",
        "Eager kernels on a CPU; a compiler fuses the rounding into the product and may turn a loss of time into a gain.",
    ),
    seconds_quick=15,
    run=measure,
    seeds=5,
    seeds_quick=2,
    themes=("inference-efficiency/quantization", "inference-efficiency/edge-deployment"),
    papers={
        "arxiv:1712.05877": "8-bit integers throughout: accuracy within about 2% of floating point for ImageNet classifiers "
        "trained so.",
        "arxiv:2210.17323": "GPTQ rounds the weights of language models of 175 billion parameters to 3 or 4 bits at little "
        "loss, after training.",
    },
)
