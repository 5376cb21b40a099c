"""Calibration: does a network's confidence say how often it is right, and does temperature scaling mend it?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, differences, over_seeds
from pipelines.benchmarks.machine import one_thread

Scored = NDArray[np.float64]
BINS, VALIDATION, EPOCHS = 15, 300, 120
NOISE, SHIFT = 0.30, 0.50
"""Standard deviation of the noise on every image, and on the shifted test images, where pixels lie between 0 and 1."""
BEFORE, AFTER, SHIFTED, LUCKY = "as trained", "temperature scaled", "scaled, then shifted", "perfectly calibrated by construction"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train one network a seed on few noisy images, and compare its confidence with how often it is right."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch  # heavy, and only a run needs it

    data = digits.load(seed, test=0.7)

    def noisy(images: Any, deviation: float) -> Any:
        return images + deviation * torch.randn_like(images)

    model = digits.train(digits.perceptron(64, 128, 128, 10), noisy(data.train_x, NOISE), data.train_y, epochs=EPOCHS)
    with torch.inference_mode():
        held = model(noisy(data.test_x, NOISE)).double().numpy()
        shifted = model(noisy(data.test_x, SHIFT)).double().numpy()[VALIDATION:]
    truth = data.test_y.numpy()
    warm = temperature(held[:VALIDATION], truth[:VALIDATION])
    scores, truth = held[VALIDATION:], truth[VALIDATION:]
    told = np.random.default_rng(seed)
    chances = softmax(scores / warm, axis=1)
    drawn = (chances.cumsum(axis=1) > told.random((len(chances), 1))).argmax(axis=1)
    arms = {
        BEFORE: (scores, truth),
        AFTER: (scores / warm, truth),
        "as trained, shifted": (shifted, truth),
        SHIFTED: (shifted / warm, truth),
        LUCKY: (scores / warm, drawn),
    }
    return {
        "calibration error": {arm: calibration_error(*one) for arm, one in arms.items()},
        "debiased error": {arm: debiased_error(*one) for arm, one in arms.items()},
        "log loss": {arm: log_loss(*one) for arm, one in arms.items()},
        "accuracy": {arm: float((one[0].argmax(1) == one[1]).mean()) for arm, one in arms.items()},
        "temperature": {AFTER: warm},
    }


def temperature(scores: Scored, truth: NDArray[np.int64]) -> float:
    """Return the number by which scores must be divided to make the held-out labels most likely.

    Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    found = minimize_scalar(lambda log: log_loss(scores / np.exp(log), truth), bounds=(-2.0, 4.0), method="bounded")
    return float(np.exp(found.x))


def log_loss(scores: Scored, truth: NDArray[np.int64]) -> float:
    """Return the mean of minus the logarithm of the probability that was given to the true class."""
    return float(-log_softmax(scores, axis=1)[np.arange(len(truth)), truth].mean())


def _bins(scores: Scored, truth: NDArray[np.int64]) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Return (confidences, right or wrong) in bins of equal number, in order of confidence."""
    chances = softmax(scores, axis=1)
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    return [(confidence[part], right[part]) for part in np.array_split(np.argsort(confidence, kind="stable"), BINS)]


def calibration_error(scores: Scored, truth: NDArray[np.int64]) -> float:
    """Return the mean distance between confidence and accuracy over bins, which chance alone makes larger than nought."""
    gaps = [abs(confidence.mean() - right.mean()) * len(right) for confidence, right in _bins(scores, truth)]
    return float(sum(gaps) / len(truth))


def debiased_error(scores: Scored, truth: NDArray[np.int64]) -> float:
    """Return the root of the mean squared distance over bins, less what chance adds to it; 0 where chance explains it all.

    Kumar, Liang and Ma, "Verified uncertainty calibration", NeurIPS 2019.
    """
    total = 0.0
    for confidence, right in _bins(scores, truth):
        chance = right.mean() * (1 - right.mean()) / (len(right) - 1)
        total += len(right) * ((confidence.mean() - right.mean()) ** 2 - chance)
    return float(max(total / len(truth), 0.0) ** 0.5)


def _told(scores: Scores) -> Measured:
    error, debiased = scores["calibration error"], scores["debiased error"]

    def headline(name: str, values: Sequence[float], tolerance: float, sentence: str, *, fails: bool = False) -> Headline:
        return Headline(name, "quality", values, "percentage points", "perfect calibration", tolerance, sentence, fails)

    def percent(arm: str) -> list[float]:
        return [100 * value for value in error[arm]]

    headlines = [
        headline("error as trained", percent(BEFORE), 5.0,
                 "A network trained to the end is off by {} percentage points between its confidence and its accuracy."),
        headline("error scaled", percent(AFTER), 2.5, "Dividing its scores by one fitted number brings that to {} "
        "percentage points."),
        headline("error by chance", percent(LUCKY), 3.0,
                 "Chance alone makes {} percentage points: that much is measured where calibration is perfect."),
        Headline("accuracy", "quality", differences(scores["accuracy"], AFTER, BEFORE), "percentage points", BEFORE, 0.01,
                 "Accuracy changes by {} percentage points: one number cannot change which score is highest."),
        headline("error shifted", percent(SHIFTED), 4.0,
                 "On noisier images than the number was fitted on, the error is {} percentage points.", fails=True),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[("expected calibration error", error), ("the same, squared and debiased", debiased)],
        table={
            "error, %": column(error, "{:.2f}", 100),
            "debiased error, %": column(debiased, "{:.2f}", 100),
            "log loss": column(scores["log loss"], "{:.3f}"),
            "accuracy, %": column(scores["accuracy"], "{:.2f}", 100),
            "temperature": column(scores["temperature"], "{:.2f}"),
        },
        raw=scores,
    )


BENCHMARK = Benchmark(
    name="calibration",
    question="Does a network's confidence say how often it is right, and does temperature scaling mend it?",
    claim="Trained networks are too sure of themselves, and dividing their scores by one fitted number makes them honest.",
    origin="Guo et al., arXiv:1706.04599",
    protocol=(
        f"A perceptron (64-128-128-10) is trained {EPOCHS} epochs on 30% of scikit-learn's digits with noise of deviation "
        f"{NOISE}, once a seed. The temperature is fitted on {VALIDATION} held-out images, errors are measured on the rest, over "
        f"{BINS} bins of equal number, and again with noise of deviation {SHIFT}. Labels drawn from the scaled network's own "
        "probabilities tell what the measure shows for perfect calibration."
    ),
    limits=(
        "Confidence of the highest class alone; calibration class by class or group by group is harder.",
        "The shift is one of noise; other shifts ask for other numbers.",
    ),
    seconds_quick=15,
    run=measure,
    seeds=9,
    themes=("evaluation/calibration-uncertainty",),
    papers={
        "arxiv:1706.04599": "Deep networks on image classification were off by 4 to 16%; temperature scaling brought most "
        "to about 1 to 2%.",
        "arxiv:1612.01474": "Ensembles of networks stay better calibrated, also on shifted data.",
    },
)  # fmt: skip
