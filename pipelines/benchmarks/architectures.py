"""Transformer, convolution, perceptron: which learns most from the same amount of arithmetic?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, differences, over_seeds, quotients
from pipelines.benchmarks.machine import device, finish, one_thread, stopwatch

BUDGETS = {"0.2": 2e8, "1": 1e9, "5": 5e9}
"""Floating-point operations of a whole training, in thousand millions."""
BATCH, RATE, PATCH, WIDTH, HEADS, DEPTH = 32, 2e-3, 2, 24, 4, 2
SHUFFLED = "shuffled pixels"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train every kind of network until each budget is spent, on images and on images whose pixels change places."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    data = digits.load(seed, place=device())
    order = torch.randperm(digits.SIDE**2)
    told: dict[str, dict[str, float]] = {name: {} for name in (*BUDGETS, SHUFFLED, "seconds", "operations an image")}
    for build in KINDS.values():  # what first calls prepare is not timed
        digits.train(build().to(device()), data.train_x, data.train_y, epochs=1)
    for name, build in KINDS.items():
        torch.manual_seed(seed)
        told["operations an image"][name] = spent = operations(build())
        start = stopwatch()
        found = _accuracies(build().to(device()), spent, data.train_x, data.train_y, data.test_x, data.test_y)
        finish()
        told["seconds"][name] = stopwatch() - start
        for budget, accuracy in found.items():
            told[budget][name] = accuracy
        torch.manual_seed(seed)
        mixed = _accuracies(build().to(device()), spent, data.train_x[:, order], data.train_y, data.test_x[:, order], data.test_y)
        told[SHUFFLED][name] = mixed["5"]
    return told


def _accuracies(model: Any, spent: float, x: Any, y: Any, test_x: Any, test_y: Any) -> dict[str, float]:
    """Train, and return the accuracy at the moment when each budget is spent."""
    ends = {max(1, round(budget / spent / BATCH)): name for name, budget in BUDGETS.items()}
    found: dict[str, float] = {}

    def after_step(step: int) -> None:
        if step in ends:
            found[ends[step]] = digits.accuracy(model.eval(), test_x, test_y)
            model.train()

    epochs = -(-max(ends) // -(-len(x) // BATCH))
    digits.train(model, x, y, epochs=epochs, batch=BATCH, rate=RATE, after_step=after_step)
    return found


def operations(model: Any) -> float:
    """Return the floating-point operations of a step of training, for one image: products and sums of forward and backward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        scores = model(torch.zeros(BATCH, digits.SIDE**2))
        scores.sum().backward()
    return float(counter.get_total_flops() / BATCH)


def perceptron() -> Any:
    """Return a perceptron with two hidden layers."""
    return digits.perceptron(digits.SIDE**2, 96, 96, digits.CLASSES)


def convolution() -> Any:
    """Return two layers of 3 by 3 filters, the second with stride 2, and a linear layer."""
    from torch import nn

    return nn.Sequential(
        nn.Unflatten(1, (1, digits.SIDE, digits.SIDE)),
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(24 * 16, digits.CLASSES),
    )  # fmt: skip


def transformer() -> Any:
    """Return a small vision transformer on patches of 2 by 2 pixels. Dosovitskiy et al., ICLR 2021."""
    import torch
    from torch import nn

    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(PATCH**2, WIDTH)
            self.places = nn.Parameter(0.02 * torch.randn(1, (digits.SIDE // PATCH) ** 2, WIDTH))

        def forward(self, images: Any) -> Any:
            square = images.view(-1, 1, digits.SIDE, digits.SIDE)
            return self.linear(nn.functional.unfold(square, PATCH, stride=PATCH).transpose(1, 2)) + self.places

    class Mean(nn.Module):
        def forward(self, tokens: Any) -> Any:
            return tokens.mean(1)

    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
    encoder = nn.TransformerEncoder(layer, DEPTH, enable_nested_tensor=False)
    return nn.Sequential(Patches(), encoder, Mean(), nn.Linear(WIDTH, digits.CLASSES))


KINDS: Mapping[str, Callable[[], Any]] = {"perceptron": perceptron, "convolution": convolution, "transformer": transformer}


def _told(scores: Scores) -> Measured:
    few, most, shuffled, seconds = scores["0.2"], scores["5"], scores[SHUFFLED], scores["seconds"]

    def points(name: str, values: Sequence[float], tolerance: float, sentence: str, *, fails: bool = False) -> Headline:
        return Headline(name, "quality", values, "percentage points", "perceptron", tolerance, sentence, fails)

    headlines = [
        points("transformer", differences(most, "transformer", "perceptron"), 12.0,
               "After five thousand million operations of training a transformer's accuracy differs from a perceptron's by {} "
               "percentage points."),
        points("transformer, small budget", differences(few, "transformer", "perceptron"), 15.0,
               "At a 25th of that budget it differs by {} percentage points."),
        points("convolution", differences(most, "convolution", "perceptron"), 4.0,
               "A convolutional network differs from the perceptron by {} percentage points."),
        points("convolution, shuffled", differences(shuffled, "convolution", "perceptron"), 4.0,
               "Where all pixels have changed places the convolutional network differs from the perceptron by {} percentage "
               "points.", fails=True),
        Headline("time", "speed", quotients(seconds, "transformer", "perceptron"), "times", "perceptron", 2.0,
                 "For the same number of operations the transformer takes {} times the perceptron's time here."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            *((f"accuracy after {budget} thousand million operations", scores[budget]) for budget in BUDGETS),
            (f"accuracy after 5 thousand million, {SHUFFLED}", shuffled),
        ],
        table={
            **{f"accuracy, {budget}, %": column(scores[budget], "{:.2f}", 100) for budget in BUDGETS},
            f"accuracy, 5, {SHUFFLED}, %": column(shuffled, "{:.2f}", 100),
            "thousand operations an image": column(scores["operations an image"], "{:.0f}", 1e-3),
            "seconds of the largest budget": column(seconds, "{:.1f}"),
        },
        raw=scores,
        seconds=seconds,
    )


BENCHMARK = Benchmark(
    name="architectures",
    question="Transformer, convolution or perceptron: which learns most from the same amount of arithmetic?",
    claim="Transformers are the better learners.",
    origin="Dosovitskiy et al., arXiv:2010.11929; Tolstikhin et al., arXiv:2105.01601, compare them at equal compute",
    protocol=(
        "A perceptron (64-96-96-10), a convolutional network (12 and 24 filters) and a transformer (16 patches, "
        f"{DEPTH} layers of width {WIDTH}) are trained with Adam on 70% of scikit-learn's digits, once a seed, until a number of "
        "floating-point operations, counted by torch, is spent, and tested on the other 30%; then again with all pixels in "
        "another, fixed order. All have the same learning rate, which was not tuned for any. "
        "All on one thread, timed by what the processor works."
    ),
    limits=(
        "1,257 training images: transformers are said to win on millions of them, which this cannot show.",
        "One size of each kind; another size may suit a budget better.",
    ),
    seconds_quick=35,
    run=measure,
    gpu=True,
    clock=stopwatch,
    seeds=5,
    seeds_quick=2,
    themes=("generative-models/transformers-attention", "evaluation/benchmark-design"),
    papers={
        "arxiv:2010.11929": "With little data transformers fall behind convolutional networks of like size; with 300 "
        "million images they pass them at less compute.",
        "arxiv:2105.01601": "Perceptrons that mix patches and channels come near to both when trained on very many images.",
    },
)  # fmt: skip
