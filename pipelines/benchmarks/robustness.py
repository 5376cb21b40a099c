"""Robustness: what is left of accuracy when images change, and does anything make a model robust beyond being accurate?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, differences, over_seeds
from pipelines.benchmarks.machine import one_thread

SIZES = (60, 120, 250, 500, 1257)
"""Images that the plain models are trained on; the line through them says which loss of accuracy is to be expected."""
STEPS, SEVERITIES = 400, (1, 2, 3, 4, 5)
PLAIN, NOISY, MOVED = "plain, all images", "trained with noise", "trained with moved images"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train plain models on ever more images and two with augmented ones, and test all under every corruption."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    data = digits.load(seed)

    def model(size: int, change: Callable[[Any], Any] | None = None) -> Any:
        x, y = data.train_x[:size], data.train_y[:size]
        if change is not None:
            x, y = torch.cat([x] + [change(x) for _ in range(4)]), y.repeat(5)
        epochs = max(1, STEPS * 64 // len(x))
        return digits.train(digits.perceptron(64, 128, 128, 10), x, y, epochs=epochs, batch=64)

    plain = {size: model(size) for size in SIZES}
    models = {PLAIN: plain[SIZES[-1]], NOISY: model(SIZES[-1], lambda x: noise(x, 3)), MOVED: model(SIZES[-1], _moved_by_one)}
    models |= {f"plain, {size} images": plain[size] for size in SIZES[:-1]}
    clean = {name: digits.accuracy(one, data.test_x, data.test_y) for name, one in models.items()}
    scores: dict[str, dict[str, float]] = {"clean": clean}
    by_severity = scores.setdefault(f"by severity, {PLAIN}", {})
    for kind, corrupt in CORRUPTIONS.items():
        shifted = [
            {name: digits.accuracy(one, corrupt(data.test_x, severity), data.test_y) for name, one in models.items()}
            for severity in SEVERITIES
        ]
        scores[kind] = {name: float(np.mean([one[name] for one in shifted])) for name in models}
        by_severity |= {f"{kind} {severity}": one[PLAIN] for severity, one in zip(SEVERITIES, shifted, strict=True)}
        fitted = [name for name in models if name.startswith("plain")]
        expected = expected_accuracy([clean[name] for name in fitted], [scores[kind][name] for name in fitted])
        scores[f"effective robustness, {kind}"] = {name: scores[kind][name] - expected(clean[name]) for name in models}
    return scores


def noise(images: Any, severity: int) -> Any:
    """Add Gaussian noise; the same for the same images and severity."""
    import torch

    made = torch.Generator().manual_seed(severity)
    return images + 0.12 * severity * torch.randn(images.shape, generator=made)


def blur(images: Any, severity: int) -> Any:
    """Average every pixel with its neighbours, ever more."""
    from torch.nn import functional

    square = images.view(-1, 1, digits.SIDE, digits.SIDE)
    soft = functional.avg_pool2d(functional.pad(square, (1, 1, 1, 1)), 3, stride=1)
    return (square + (soft - square) * severity / 5).reshape(images.shape)


def contrast(images: Any, severity: int) -> Any:
    """Bring all pixels nearer to their image's mean."""
    mean = images.mean(1, keepdim=True)
    return mean + (images - mean) * (1 - 0.18 * severity)


def occlusion(images: Any, severity: int) -> Any:
    """Black out rows from the top."""
    square = images.clone().view(-1, digits.SIDE, digits.SIDE)
    square[:, :severity] = 0
    return square.reshape(images.shape)


def moved(images: Any, severity: int) -> Any:
    """Move the image to the right, by a pixel for severity 5 and by parts of one for less."""
    import torch

    square = images.view(-1, digits.SIDE, digits.SIDE)
    aside = torch.cat([torch.zeros_like(square[:, :, :1]), square[:, :, :-1]], dim=2)
    return (square + (aside - square) * severity / 5).reshape(images.shape)


def _moved_by_one(images: Any) -> Any:
    """Move each image by up to one pixel in a direction drawn for it."""
    import torch

    square = torch.nn.functional.pad(images.view(-1, digits.SIDE, digits.SIDE), (1, 1, 1, 1))
    across, down = torch.randint(0, 3, (2, len(images), 1, 1))
    rows, columns = torch.arange(digits.SIDE)[:, None] + down, torch.arange(digits.SIDE) + across
    return square[torch.arange(len(images))[:, None, None], rows, columns].reshape(images.shape)


CORRUPTIONS: Mapping[str, Callable[[Any, int], Any]] = {
    "noise": noise, "blur": blur, "contrast": contrast, "occlusion": occlusion, "moved": moved,
}  # fmt: skip


def expected_accuracy(clean: Sequence[float], shifted: Sequence[float]) -> Callable[[float], float]:
    """Return the accuracy under shift that plain models of a clean accuracy have: a line through their log odds.

    Taori et al., "Measuring robustness to natural distribution shifts in image classification", NeurIPS 2020.
    """
    x, y = (logit(np.clip(values, 0.001, 0.999)) for values in (clean, shifted))
    slope, start = np.polyfit(x, y, 1)
    return lambda accuracy: float(expit(start + slope * logit(np.clip(accuracy, 0.001, 0.999))))


def _told(scores: Scores) -> Measured:
    count = len(scores["clean"][PLAIN])
    kinds = list(CORRUPTIONS)

    def average(name: str, prefix: str = "") -> list[float]:
        return [100 * float(np.mean([scores[prefix + kind][name][number] for kind in kinds])) for number in range(count)]

    def effective(name: str, kind: str) -> list[float]:
        return [100 * value for value in scores[f"effective robustness, {kind}"][name]]

    lost = [mean - 100 * clean for mean, clean in zip(average(PLAIN), scores["clean"][PLAIN], strict=True)]
    headlines = [
        Headline("loss", "quality", lost, "percentage points", "clean images", 8.0,
                 "Over five corruptions of five severities accuracy changes by {} percentage points against clean images."),
        Headline("noise, trained with noise", "quality", effective(NOISY, "noise"), "percentage points",
                 "plain models of the same clean accuracy", 4.0,
                 "A model trained with noise is {} percentage points better under noise than its clean accuracy lets expect."),
        Headline("moved, trained with moved", "quality", effective(MOVED, "moved"), "percentage points",
                 "plain models of the same clean accuracy", 5.0,
                 "One trained with moved images is {} percentage points better on moved images."),
        Headline("more images", "quality", differences(scores["noise"], PLAIN, f"plain, {SIZES[0]} images"), "percentage points",
                 f"{SIZES[0]} images", 6.0,
                 "Twenty times as many plain images raise accuracy under noise by {} percentage points, but only as clean "
                 "accuracy lets expect."),
        Headline("noise, trained with moved", "quality", effective(MOVED, "noise"), "percentage points",
                 "plain models of the same clean accuracy", 5.0,
                 "Under noise the model trained with moved images differs from what is to be expected by {} percentage "
                 "points.", True),
        Headline("contrast, trained with moved", "quality", effective(MOVED, "contrast"), "percentage points",
                 "plain models of the same clean accuracy", 8.0,
                 "Under less contrast it differs by {} percentage points: robustness to one change can cost that to "
                 "another.", True),
    ]  # fmt: skip
    main = [PLAIN, NOISY, MOVED]
    return Measured(
        headlines=headlines,
        charts=[
            (f"accuracy, {PLAIN}, by corruption and severity", scores[f"by severity, {PLAIN}"]),
            ("effective robustness, percentage points",
             {f"{kind}: {name}": effective(name, kind) for kind in kinds for name in (NOISY, MOVED)}),
        ],
        table={
            "clean, %": column(scores["clean"], "{:.1f}", 100),
            **{f"{kind}, %": column(scores[kind], "{:.1f}", 100) for kind in kinds},
            **{f"beyond expected, {kind}": column({name: effective(name, kind) for name in main}, "{:+.1f}") for kind in kinds},
        },
        raw=scores,
    )  # fmt: skip


BENCHMARK = Benchmark(
    name="robustness",
    question="What is left of accuracy when images change, and does anything help beyond being accurate on clean ones?",
    claim="A model that is more accurate, or trained with changed images, is robust.",
    origin="Hendrycks and Dietterich, arXiv:1903.12261; Taori et al., arXiv:2007.00644",
    protocol=(
        f"Perceptrons (64-128-128-10) are trained {STEPS} steps on {SIZES[0]} to {SIZES[-1]} of scikit-learn's digits, once a "
        "seed, and two more on all of them with four noisy or moved copies. All are tested on the same held-out images, clean "
        "and under noise, blur, less contrast, occlusion and movement in five severities. Effective robustness is accuracy "
        "under shift beyond what a line through the plain models (log odds) gives for the same clean accuracy."
    ),
    limits=(
        "Corruptions are made, not met; natural shifts are harder to train for.",
        "The line is drawn through models of one kind that differ in the number of images.",
    ),
    seconds_quick=25,
    run=measure,
    themes=("evaluation/robustness",),
    papers={
        "arxiv:1903.12261": "Better networks lose about as much under corruptions, relative to their clean error, as older "
        "ones did.",
        "arxiv:1902.10811": "On a new test set for ImageNet models lose 11 to 14 percentage points, and those that were "
        "better stay better.",
    },
)  # fmt: skip
