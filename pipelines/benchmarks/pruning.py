"""Pruning: how many weights can go, what does it cost in accuracy, and does it save any time?"""

import copy
import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
from pipelines.benchmarks.machine import one_thread, stopwatch

WIDTH, EPOCHS, FURTHER, BATCH = 384, 15, 15, 256
SHARES = (0.5, 0.9, 0.95)
DENSE, ZEROS, SPARSE, SMALLER = "dense", "90% zeros, plain kernel", "90% zeros, sparse kernel", "90% of neurons gone"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train one network a seed, prune copies of it in each way, and train every copy on for the same number of epochs."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    data = digits.load(seed)
    trained = digits.train(digits.perceptron(64, WIDTH, WIDTH, 10), data.train_x, data.train_y, epochs=EPOCHS)

    def further(model: Any, after_step: Callable[[int], None] | None = None) -> Any:
        return digits.train(model, data.train_x, data.train_y, epochs=FURTHER, after_step=after_step)

    models = {DENSE: further(copy.deepcopy(trained))}
    steps = FURTHER * -(-len(data.train_x) // 128)
    for share in SHARES:
        models[f"one-shot, untrained, {share:.0%}"] = one_shot(copy.deepcopy(trained), share)
        models[f"one-shot, {share:.0%}"] = further(one_shot(copy.deepcopy(trained), share))
        model = one_shot(copy.deepcopy(trained), 0.0)
        models[f"gradual, {share:.0%}"] = further(model, _schedule(model, share, steps // 2))
        models[f"neurons, {share:.0%}"] = further(fewer_neurons(trained, share))
    return {
        "accuracy": {arm: digits.accuracy(model, data.test_x, data.test_y) for arm, model in models.items()},
        "seconds": _seconds(models[DENSE], models["one-shot, 90%"], models["neurons, 90%"], data.train_x[:BATCH]),
    }


def _layers(model: Any) -> list[Any]:
    return [layer for layer in model if hasattr(layer, "weight")]


def one_shot(model: Any, share: float) -> Any:
    """Set that share of all weights to zero, the smallest first, and keep them there while training goes on.

    Han et al., "Learning both weights and connections for efficient neural networks", NeurIPS 2015.
    """
    from torch.nn.utils import prune

    weights = [(layer, "weight") for layer in _layers(model)]
    prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=share)
    return model


def _schedule(model: Any, share: float, steps: int) -> Callable[[int], None]:
    """Zero ever more weights while the model trains, along a cubic curve that is over after `steps`.

    Zhu and Gupta, "To prune, or not to prune", 2017.
    """
    gone = 0.0

    def after_step(step: int) -> None:
        nonlocal gone
        if (step % 5 and step != steps) or step > steps:
            return
        goal = share * (1 - (1 - step / steps) ** 3)
        one_shot(model, (goal - gone) / (1 - gone))  # the amount is a share of the weights that are left
        gone = goal

    return after_step


def fewer_neurons(model: Any, share: float) -> Any:
    """Return a smaller network without that share of every hidden layer's neurons, those of least input weight.

    Li et al., "Pruning filters for efficient ConvNets", ICLR 2017, for neurons in place of filters.
    """
    import torch

    layers = _layers(model)
    kept = [torch.arange(layers[0].in_features)]
    for layer in layers[:-1]:
        left = max(1, round(layer.out_features * (1 - share)))
        kept.append(layer.weight.abs().sum(1).topk(left).indices.sort().values)
    kept.append(torch.arange(layers[-1].out_features))
    smaller = digits.perceptron(*(len(one) for one in kept))
    with torch.no_grad():
        for old, new, inputs, outputs in zip(layers, _layers(smaller), kept, kept[1:], strict=False):
            new.weight.copy_(old.weight[outputs][:, inputs])
            new.bias.copy_(old.bias[outputs])
    return smaller


def sparse_forward(model: Any) -> Callable[[Any], Any]:
    """Return a forward function that stores only the weights that are not zero (compressed sparse rows)."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse rows a beta
        layers = [(layer.weight.detach().to_sparse_csr(), layer.bias.detach()[:, None]) for layer in _layers(model)]

    def forward(images: Any) -> Any:
        values = images.t()
        for weight, bias in layers[:-1]:
            values = torch.relu_(weight @ values + bias)
        return (layers[-1][0] @ values + layers[-1][1]).t()

    return forward


def _seconds(dense: Any, zeros: Any, smaller: Any, images: Any) -> dict[str, float]:
    import torch
    from torch.nn.utils import prune

    plain = copy.deepcopy(zeros)
    for layer in _layers(plain):
        prune.remove(layer, "weight")  # type: ignore[no-untyped-call]  # the zeros stay, the masks beside them go
    arms = {DENSE: dense, ZEROS: plain, SPARSE: sparse_forward(plain), SMALLER: smaller}
    with torch.inference_mode():
        calls: dict[str, Callable[[], object]] = {arm: partial(call, images) for arm, call in arms.items()}
        timed = alternate(calls, rounds=30, budget=1.5, clock=stopwatch)
    return {arm: statistics.median(values) for arm, values in timed.items()}


def _told(scores: Scores) -> Measured:
    accuracy, seconds = scores["accuracy"], scores["seconds"]

    def lost(arm: str) -> list[float]:
        return differences(accuracy, arm, DENSE)

    headlines = [
        Headline("gradual 90%", "quality", lost("gradual, 90%"), "percentage points", DENSE, 3.0,
                 "Without nine tenths of its weights, taken gradually, the network's accuracy changes by {} percentage points."),
        Headline("gradual over one-shot 95%", "quality", differences(accuracy, "gradual, 95%", "one-shot, 95%"),
                 "percentage points", "one-shot, trained as long", 3.0,
                 "At 95% zeros, gradual pruning is {} percentage points above one-shot pruning with as much training."),
        Headline("speed of fewer neurons", "speed", quotients(seconds, DENSE, SMALLER), "times", DENSE, 1.4,
                 "Without nine tenths of its hidden neurons the network runs {} times as fast."),
        Headline("neurons 90%", "quality", lost("neurons, 90%"), "percentage points", DENSE, 4.0,
                 "That, with training after the cut, changes accuracy by {} percentage points."),
        Headline("speed of zeros", "speed", quotients(seconds, DENSE, ZEROS), "times", DENSE, 1.3,
                 "Nine tenths zeros on the plain kernel run {} times as fast as none: zeros are multiplied like all "
                 "others.", True),
        Headline("speed of sparse kernel", "speed", quotients(seconds, DENSE, SPARSE), "times", DENSE, 1.4,
                 "Stored as sparse rows and multiplied by the sparse kernel they run {} times as fast as dense.", True),
        Headline("untrained 90%", "quality", lost("one-shot, untrained, 90%"), "percentage points", DENSE, 25.0,
                 "Without training after the cut, 90% zeros change accuracy by {} percentage points.", True),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            ("change of accuracy against dense, percentage points", {arm: lost(arm) for arm in accuracy if arm != DENSE}),
            (f"milliseconds for a batch of {BATCH}", {arm: [1e3 * one for one in values] for arm, values in seconds.items()}),
        ],
        table={"accuracy, %": column(accuracy, "{:.2f}", 100), f"ms a batch of {BATCH}": column(seconds, "{:.3f}", 1e3)},
        raw=scores,
        seconds=seconds,
    )


BENCHMARK = Benchmark(
    name="pruning",
    question="How many weights of a trained network can go before it loses accuracy, and does it run faster then?",
    claim="Nine tenths of the weights can go at almost no loss of accuracy, and the smaller network is faster.",
    origin="Han et al., arXiv:1506.02626; Zhu and Gupta, arXiv:1710.01878; Li et al., arXiv:1608.08710",
    protocol=(
        f"A perceptron (64-{WIDTH}-{WIDTH}-10) is trained {EPOCHS} epochs on 70% of scikit-learn's digits, once a seed. Copies "
        "lose their smallest weights over all layers at once, or gradually while training on, or whole neurons; all, the dense "
        f"one too, train {FURTHER} epochs more, but for the arm that says untrained. Accuracy is on the other 30%. Times are "
        f"medians of at least 30 rounds on a batch of {BATCH}, arms in turn, fp32, eager mode. "
        "All on one thread, timed by what the processor works."
    ),
    limits=(
        "A wide network on small images has far more weights than it needs; large ones that are trained to their limit have "
        "fewer to spare.",
        "Sparse kernels pay at higher sparsity, on other processors, or with patterns such as 2:4 that the hardware knows.",
    ),
    seconds_quick=35,
    run=measure,
    clock=stopwatch,
    seeds=5,
    seeds_quick=2,
    themes=("inference-efficiency/pruning-sparsity", "inference-efficiency/edge-deployment"),
    papers={
        "arxiv:1506.02626": "9 times fewer weights in AlexNet and 13 times fewer in VGG-16 without loss of accuracy, with "
        "retraining.",
        "arxiv:1710.01878": "Large networks pruned gradually beat smaller dense ones of the same number of weights.",
        "arxiv:1608.08710": "Whole filters removed: up to 34% fewer operations in VGG-16 on CIFAR-10 at about the same accuracy.",
        "arxiv:1608.03665": "Structured sparsity is what plain hardware turns into time: 5.1 times on a CPU for AlexNet's "
        "convolutions.",
    },
)  # fmt: skip
