"""Post-training quantization: what do fewer bits cost in accuracy, and what do they save in size and time?"""

import copy
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kb.embedding.int8 import silent
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
from pipelines.benchmarks.machine import one_thread, stopwatch

WIDTH, EPOCHS, FURTHER, BATCH, ROUNDS = 512, 40, 10, 256, 30
GROUP, CALIBRATION = 32, 300
"""Weights that share a scale in int4, and training images that the scales of static activations are found on."""
DYNAMIC, STATIC, COMPILED = "int8, dynamic", "int8, static (OpenVINO)", "fp32 (OpenVINO)"
INT8, INT4, INT2 = "int8 weights", "int4 weights", "int2 weights"
BITS = {"fp32": 32, COMPILED: 32, "bf16": 16, INT8: 8, DYNAMIC: 8, STATIC: 8, INT4: 4, INT2: 2}
TIMED = tuple(arm for arm in BITS if arm != INT2)
"""No kernel computes with two bits."""


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train one classifier a seed, quantize it every way, and measure all arms on the same test images."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    data = digits.load(seed)
    model = digits.train(digits.perceptron(64, WIDTH, WIDTH, 10), data.train_x, data.train_y, epochs=EPOCHS)
    arms = _quantized(model) | _compiled(model, data.train_x[:CALIBRATION])
    timed = {arm: arms[arm] for arm in TIMED}
    arms |= _trained_so(model, data)
    return {
        "accuracy": {arm: digits.accuracy(forward, data.test_x, data.test_y) for arm, forward in arms.items()},
        "kilobytes": {arm: _kilobytes(model, arm) for arm in arms},
        "seconds": _times(timed, data.test_x[:BATCH]),
        "seconds alone": _times(timed, data.test_x[:1]),
    }


def _quantized(model: Any) -> dict[str, Callable[[Any], Any]]:
    """Return arm -> forward function from float images to scores, of the arms that run on torch's kernels.

    Written on torch's own kernels rather than with torchao, because sentence-transformers imports torchao wherever it is
    installed, which would make every search two seconds slower.
    """
    import torch

    layers = [(layer.weight.detach(), layer.bias.detach()) for layer in model if hasattr(layer, "weight")]
    half = copy.deepcopy(model).to(torch.bfloat16)
    return {
        "fp32": model,
        "bf16": lambda images: half(images.to(torch.bfloat16)),
        INT8: _forward([_int8_weights(*layer) for layer in layers]),
        DYNAMIC: _forward([_int8_both(*layer) for layer in layers]),
        INT4: _forward([_int4_weights(*layer) for layer in layers]),
        INT2: _forward([_rounded(*layer, BITS[INT2]) for layer in layers]),
    }


def _compiled(model: Any, images: Any) -> dict[str, Callable[[Any], Any]]:
    """Return the arms that OpenVINO runs: as trained, and in int8 with scales of activations that NNCF found on `images`."""
    import torch

    with silent():
        import nncf
        import openvino
        import openvino.properties as properties
        import openvino.properties.hint as hints

        def converted() -> Any:  # quantizing changes a model in place
            return openvino.convert_model(copy.deepcopy(model), example_input=images, input=[-1, images.shape[1]])

        examples = nncf.Dataset([image[None].numpy() for image in images])
        found = {COMPILED: converted(), STATIC: nncf.quantize(converted(), examples, subset_size=len(images))}
    told = {
        properties.num_streams(): 1, properties.inference_num_threads(): 1, hints.enable_cpu_pinning(): False,
        hints.inference_precision(): "f32",
    }  # fmt: skip

    def runner(network: Any) -> Callable[[Any], Any]:
        compiled = openvino.Core().compile_model(network, "CPU", told)
        request, output = compiled.create_infer_request(), compiled.output(0)
        return lambda some: torch.from_numpy(request.infer({0: some.numpy()}, share_inputs=True)[output])

    return {arm: runner(network) for arm, network in found.items()}


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
    for arm in (INT4, INT2):
        learner = copy.deepcopy(model)
        for layer in learner:
            if hasattr(layer, "weight"):
                parametrize.register_parametrization(layer, "weight", Rounded(BITS[arm]))
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


def _int4_weights(weight: Any, bias: Any) -> Callable[[Any], Any]:
    """Weights in int4, two a byte, with a scale and an offset for each group; activations in bf16, one fused kernel."""
    import torch

    outputs, inputs = weight.shape
    padded = torch.nn.functional.pad(weight, (0, 0, 0, -outputs % 16))  # the kernel takes 16 outputs at a time
    groups = padded.reshape(len(padded), inputs // GROUP, GROUP)
    low, high = groups.amin(2, keepdim=True), groups.amax(2, keepdim=True)
    scale = ((high - low) / 15).clamp_min(1e-8)
    integers = ((groups - low) / scale).round_().clamp_(0, 15).to(torch.int32).flatten(1)
    packed = torch._convert_weight_to_int4pack_for_cpu(integers, 1)
    both = torch.cat([scale, low + 8 * scale], dim=2).transpose(0, 1).contiguous().to(torch.bfloat16)  # the kernel's 8 is its 0
    bias = bias.to(torch.bfloat16)
    return lambda images: torch._weight_int4pack_mm_for_cpu(images.to(torch.bfloat16), packed, GROUP, both)[:, :outputs] + bias


def _rounded(weight: Any, bias: Any, bits: int) -> Callable[[Any], Any]:
    """Weights rounded to few bits and computed with in fp32: shows the loss of accuracy, not the speed."""
    import torch

    integers, scale = _to_int(weight, bits)
    restored = integers * scale
    return lambda images: torch.nn.functional.linear(images, restored, bias)


def _kilobytes(model: Any, arm: str) -> float:
    """Size of the weights packed at the arm's number of bits, with their scales, biases in fp32.

    There is a scale for each output channel; int4 has one of 16 bits for each group, and an offset.
    """
    bits = BITS[arm.removesuffix(", trained so")]
    total = 0
    for layer in model:
        if hasattr(layer, "weight"):
            channels, inputs = layer.weight.shape
            scales = channels * (inputs // GROUP * 32 if arm == INT4 else 32 if bits <= 8 else 0)
            total += channels * inputs * bits + scales + channels * (16 if bits == 16 else 32)
    return total / 8_000


def _times(arms: Mapping[str, Callable[[Any], Any]], images: Any) -> dict[str, float]:
    import torch

    def call(forward: Callable[[Any], Any]) -> Callable[[], object]:
        def timed() -> object:
            with torch.inference_mode():
                return forward(images)

        return timed

    timed = alternate({arm: call(forward) for arm, forward in arms.items()}, rounds=ROUNDS, budget=1.5, clock=stopwatch)
    return {arm: statistics.median(values) for arm, values in timed.items()}


def _told(scores: Scores) -> Measured:
    accuracy, size, seconds, alone = scores["accuracy"], scores["kilobytes"], scores["seconds"], scores["seconds alone"]

    def lost(arm: str) -> list[float]:
        return differences(accuracy, arm, "fp32")

    def faster(name: str, times: Mapping[str, Sequence[float]], arm: str, sentence: str, base: str = "fp32") -> Headline:
        values = quotients(times, base, arm)
        return Headline(name, "speed", values, "times", base, 1.4, sentence, fails=statistics.median(values) < 1)

    headlines = [
        Headline("accuracy int8, static", "quality", lost(STATIC), "percentage points", "fp32", 1.0,
                 "Going from fp32 to int8, activations too, changes accuracy by {} percentage points."),
        Headline("accuracy int8", "quality", lost(DYNAMIC), "percentage points", "fp32", 1.0,
                 "With scales of activations found anew for each image it changes by {} percentage points."),
        Headline("accuracy int4", "quality", lost(INT4), "percentage points", "fp32", 1.5,
                 "With int4 weights accuracy changes by {} percentage points."),
        Headline("accuracy int2", "quality", lost(INT2), "percentage points", "fp32", 30.0,
                 "With int2 weights, rounded after training, it changes by {} percentage points.", True),
        Headline("accuracy int2, trained so", "quality", lost(f"{INT2}, trained so"), "percentage points", "fp32", 3.0,
                 f"Trained on for {FURTHER} epochs with int2 weights it changes by {{}} percentage points."),
        Headline("size int8", "size", quotients(size, "fp32", INT8), "times", "fp32", 1.02,
                 "int8 weights take {} times less space."),
        Headline("size int4", "size", quotients(size, "fp32", INT4), "times", "fp32", 1.02,
                 "int4 weights with their scales take {} times less space."),
        faster("speed int8, static", seconds, STATIC, "With fixed scales and compiled by OpenVINO int8 runs {} times as fast as "
               f"fp32 compiled so, in batches of {BATCH} on the machine named below.", COMPILED),
        faster("speed int8", seconds, DYNAMIC, "On torch's kernels, with scales found at every call, it runs {} times as fast as "
               "torch's fp32: finding them takes time, and not every processor has units for int8."),
        faster("speed bf16", seconds, "bf16", "bf16 runs {} times as fast as fp32 there; it depends on the processor's units."),
        faster("speed int8 weights, alone", alone, INT8, "A single image, where most of the time goes into reading weights, goes "
               "through int8 weights {} times as fast as through fp32."),
        faster("speed int4 weights, alone", alone, INT4, "Through int4 weights it goes {} times as fast."),
        faster("speed int4 weights", seconds, INT4, f"A batch of {BATCH} goes through int4 weights {{}} times as fast: there "
               "reading is shared, and unpacking comes on top."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            ("change of accuracy against fp32, percentage points", {arm: lost(arm) for arm in accuracy if arm != "fp32"}),
            (f"milliseconds for a batch of {BATCH}", {arm: [1e3 * one for one in values] for arm, values in seconds.items()}),
            ("milliseconds for a single image", {arm: [1e3 * one for one in values] for arm, values in alone.items()}),
        ],
        table={
            "accuracy, %": column(accuracy, "{:.2f}", 100),
            "size, kB": column(size, "{:.0f}"),
            f"ms a batch of {BATCH}": column(seconds, "{:.3f}", 1e3),
            "ms a single image": column(alone, "{:.3f}", 1e3),
        },
        raw=scores,
        seconds={**seconds, **{f"{arm}, single image": values for arm, values in alone.items()}},
    )


BENCHMARK = Benchmark(
    name="quantization",
    question="What does rounding a trained network's numbers to fewer bits cost in accuracy, and save in size and time?",
    claim="Eight-bit numbers after training cost almost no accuracy, take a quarter of the space and run faster.",
    origin="Jacob et al., arXiv:1712.05877; Krishnamoorthi, arXiv:1806.08342",
    protocol=(
        f"A perceptron (64-{WIDTH}-{WIDTH}-10) is trained {EPOCHS} epochs on 70% of scikit-learn's 1,797 handwritten digits, "
        "once a seed, and rounded after training. Weights: symmetric, a scale per output channel; in int4 a scale and an offset "
        f"for every {GROUP}. Activations: dynamic, a scale for each image when it arrives, or static, by NNCF on {CALIBRATION} "
        "training images. Arms marked so are compiled by OpenVINO, the others run on torch's kernels in eager mode; weights "
        "alone in int8 or int4 go with activations in bf16. Accuracy is on the other 30%. Times are medians of at least "
        f"{ROUNDS} rounds on {BATCH} images and on one, arms in turn. Sizes are of packed weights with their scales. int2 "
        f"weights are computed with in fp32 after rounding and not timed; those trained so go on for {FURTHER} epochs with "
        "their weights rounded, a scale per output channel. All on one thread, timed by what the processor works."
    ),
    limits=(
        "A small network on small images; large language models lose accuracy through outliers that this one does not have.",
        "Kernels of a CPU, also where there is a GPU; which format is fast depends on the processor's units (see flags).",
        "Static scales fit the images that they were found on, and so they do the test images here; shifted ones may clip.",
    ),
    seconds_quick=35,
    run=measure,
    clock=stopwatch,
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
