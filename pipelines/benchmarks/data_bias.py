"""Data bias: who pays when a group is rare or its labels are wrong, and does weighting it up help?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, differences, over_seeds
from pipelines.benchmarks.machine import one_thread

SHARES = (0.02, 0.05, 0.10, 0.50)
"""Of the training images that belong to the minority: their shades are inverted."""
RARE, NOISE, STEPS, BATCH = 0.05, 0.3, 600, 64
PLAIN, BALANCED = f"plain, {RARE:.0%} minority", f"balanced, {RARE:.0%} minority"
WRONG = f"{NOISE:.0%} of the minority's labels wrong"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train on ever rarer minorities, with and without balance and wrong labels, and test on both groups apart."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    data = digits.load(seed)
    order = torch.randperm(len(data.train_x))
    wrong = torch.rand(len(order)) < NOISE
    other = torch.randint(1, digits.CLASSES, (len(order),))

    def trained(share: float, *, balanced: bool = False, noisy: str = "") -> Any:
        torch.manual_seed(seed)
        rare = torch.zeros(len(order), dtype=torch.bool)
        rare[order[: round(share * len(order))]] = True
        x = torch.where(rare[:, None], inverted(data.train_x), data.train_x)
        changed = wrong & (rare if noisy == "minority" else torch.full_like(rare, noisy == "all"))
        y = torch.where(changed, (data.train_y + other) % digits.CLASSES, data.train_y)
        weights = torch.where(rare, 1 / rare.sum(), 1 / (~rare).sum()) if balanced else torch.ones(len(x))
        drawn = torch.multinomial(weights, STEPS * BATCH, replacement=True)
        return digits.train(digits.perceptron(64, 128, 128, 10), x[drawn], y[drawn], epochs=1, batch=BATCH)

    models = {f"plain, {share:.0%} minority": trained(share) for share in SHARES}
    models |= {
        BALANCED: trained(RARE, balanced=True),
        f"{PLAIN}, {NOISE:.0%} of all labels wrong": trained(RARE, noisy="all"),
        f"{PLAIN}, {WRONG}": trained(RARE, noisy="minority"),
        f"{BALANCED}, {WRONG}": trained(RARE, balanced=True, noisy="minority"),
    }
    flipped = inverted(data.test_x)
    majority = {arm: digits.accuracy(model, data.test_x, data.test_y) for arm, model in models.items()}
    minority = {arm: digits.accuracy(model, flipped, data.test_y) for arm, model in models.items()}
    average = {arm: (1 - RARE) * majority[arm] + RARE * minority[arm] for arm in models}
    gap = {arm: majority[arm] - minority[arm] for arm in models}
    return {"average": average, "majority": majority, "minority": minority, "gap": gap}


def inverted(images: Any) -> Any:
    """Return the images with dark and light exchanged."""
    return 1 - images


def _told(scores: Scores) -> Measured:
    minority, majority, gap = scores["minority"], scores["majority"], scores["gap"]

    def points(
        name: str, values: Sequence[float], peer: str, tolerance: float, sentence: str, *, fails: bool = False
    ) -> Headline:
        return Headline(name, "quality", values, "percentage points", peer, tolerance, sentence, fails)

    noise = f"{PLAIN}, {NOISE:.0%} of all labels wrong"
    headlines = [
        points("gap", [100 * value for value in gap[PLAIN]], "the minority", 12.0,
               "Where one training image in twenty is of the minority, the majority's accuracy is {} percentage points "
               "above it."),
        points("hidden by the average", [100 * (a - b) for a, b in zip(scores["average"][PLAIN], majority[PLAIN], strict=True)],
               "the majority", 0.6,
               "The average over both, in the mix of the training, differs from the majority's accuracy by only {} "
               "percentage points."),
        points("gain by balance", differences(minority, BALANCED, PLAIN), PLAIN, 8.0,
               "Drawing both groups equally often changes the minority's accuracy by {} percentage points."),
        points("price of balance", differences(majority, BALANCED, PLAIN), PLAIN, 2.0,
               "That changes the majority's by {} percentage points."),
        points("noise, minority", differences(minority, noise, PLAIN), PLAIN, 12.0,
               f"With {NOISE:.0%} of all labels wrong the minority's accuracy changes by {{}} percentage points."),
        points("noise, majority", differences(majority, noise, PLAIN), PLAIN, 3.0,
               "The majority's changes by {} percentage points: its errors average out."),
        points("balance of wrong labels", differences(minority, f"{BALANCED}, {WRONG}", f"{PLAIN}, {WRONG}"),
               f"{PLAIN}, {WRONG}", 14.0,
               f"Where {NOISE:.0%} of the minority's own labels are wrong, balance changes its accuracy by {{}} percentage "
               "points."),
        points("gap left by balance", [100 * value for value in gap[BALANCED]], "the minority", 6.0,
               "After balance the majority's accuracy is still {} percentage points above the minority's: drawing few "
               "images often "
               "does not replace more of them.", fails=True),
        points("gap where equal", [100 * value for value in gap[f"plain, {SHARES[-1]:.0%} minority"]], "the minority", 2.0,
               "Where both groups have as many images it is {} percentage points.", fails=True),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[("accuracy of the minority", minority), ("majority's accuracy less the minority's", gap)],
        table={f"{name}, %": column(arms, "{:.1f}", 100) for name, arms in scores.items()},
        raw=scores,
    )


BENCHMARK = Benchmark(
    name="data-bias",
    question="Who pays when a group is rare in the training data or its labels are wrong, and does weighting it up help?",
    claim="A good average says that the model serves everyone, and balancing the groups repairs what is missing.",
    origin="Buolamwini and Gebru, PMLR 81; Sagawa et al., arXiv:1911.08731",
    protocol=(
        f"A perceptron (64-128-128-10) is trained {STEPS} steps of {BATCH} images on 70% of scikit-learn's digits, of which a "
        "share, the minority, has dark and light exchanged; balanced arms draw both groups equally often. Wrong labels are "
        "drawn from the other classes. Both groups are tested on all of the other 30%, each image once as it is and once "
        "inverted."
    ),
    limits=(
        "The groups are made, differ in looks alone and are known; real groups overlap and are often not recorded.",
        "Enough steps for the majority; training on would help and overfit the minority.",
    ),
    seconds_quick=15,
    run=measure,
    themes=("data/bias-fairness", "data/quality-curation"),
    papers={
        "arxiv:1911.08731": "Training for the worst group needs strong regularisation, or large networks fit every group and the "
        "rare ones fail on new data.",
        "pmlr:v81/buolamwini18a": "Commercial classifiers of gender erred on up to 34.7% of darker-skinned women and at "
        "most 0.8% of lighter-skinned men.",
    },
)  # fmt: skip
