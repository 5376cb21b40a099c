"""Distillation: does a small network learn more from a large one than from the labels alone?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.benchmarks import digits
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, differences, over_seeds
from pipelines.benchmarks.machine import one_thread

TEACHER, STUDENT = (64, 256, 256, 10), (64, 12, 10)
EPOCHS, LONGER, FEW = 30, 240, 200
"""Epochs of teacher and student; of the student that is trained with the teacher's compute on top; labels in the scarce case."""
RATE, TEMPERATURE, SOFT = 5e-3, 4.0, 0.9
"""The learning rate, softening of both networks' scores, and the weight of the teacher's word against the labels'."""
ALONE, DISTILLED = "student alone", "distilled"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train teacher and students on all labels, and again where only a few images have one."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    data = digits.load(seed)
    few = slice(0, FEW)

    def fitted(widths: Sequence[int], images: Any, wanted: Any, **options: Any) -> Any:
        torch.manual_seed(seed)  # every student starts from the same weights and sees the same order
        return digits.train(digits.perceptron(*widths), images, wanted, batch=64, rate=RATE, **options)

    def students(teacher: Any, images: Any, labels: Any, told: Any) -> dict[str, Any]:
        """Students of `images` with `labels`; the teacher's word comes on all of `told`, labelled or not."""
        with torch.inference_mode():
            soft = teacher(told)
        wanted = targets(soft, labels)
        epochs = EPOCHS * len(told) // len(images)
        return {
            "teacher": teacher,
            ALONE: fitted(STUDENT, images, labels, epochs=epochs),
            "student alone, smoothed labels": fitted(STUDENT, images, labels, epochs=epochs, loss=_smoothed),
            DISTILLED: fitted(STUDENT, told, wanted, epochs=EPOCHS, loss=distilling),
        }

    full = students(fitted(TEACHER, data.train_x, data.train_y, epochs=EPOCHS), data.train_x, data.train_y, data.train_x)
    full["student alone, trained longer"] = fitted(STUDENT, data.train_x, data.train_y, epochs=LONGER)
    with torch.inference_mode():
        wanted = targets(full["teacher"](data.train_x), data.train_y)
    full["distilled, trained longer"] = fitted(STUDENT, data.train_x, wanted, epochs=LONGER, loss=distilling)
    scarce = students(
        fitted(TEACHER, data.train_x[few], data.train_y[few], epochs=EPOCHS * 5),
        data.train_x[few],
        data.train_y[few],
        data.train_x,
    )
    return {
        "all labels": {arm: digits.accuracy(model, data.test_x, data.test_y) for arm, model in full.items()},
        f"{FEW} labels": {arm: digits.accuracy(model, data.test_x, data.test_y) for arm, model in scarce.items()},
    }


def targets(soft: Any, labels: Any) -> Any:
    """Put the teacher's scores and the labels side by side, shape (images, classes + 1); -1 where there is no label."""
    import torch

    known = torch.full((len(soft), 1), -1.0)
    known[: len(labels), 0] = labels.float()
    return torch.cat([soft, known], dim=1)


def distilling(scores: Any, wanted: Any) -> Any:
    """Return the divergence from the softened teacher, joined with the labels' cross-entropy where there is a label.

    Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015; `wanted` is as `targets` makes it.
    """
    from torch.nn import functional

    soft, labels = wanted[:, :-1], wanted[:, -1].long()
    told = functional.kl_div(
        functional.log_softmax(scores / TEMPERATURE, 1), functional.log_softmax(soft / TEMPERATURE, 1),
        reduction="batchmean", log_target=True,
    )  # fmt: skip
    hard = functional.cross_entropy(scores, labels, ignore_index=-1, reduction="sum") / (labels >= 0).sum().clamp_min(1)
    return SOFT * TEMPERATURE**2 * told + (1 - SOFT) * hard


def _smoothed(scores: Any, labels: Any) -> Any:
    from torch.nn import functional

    return functional.cross_entropy(scores, labels, label_smoothing=0.1)


def _told(scores: Scores) -> Measured:
    full, scarce = scores["all labels"], scores[f"{FEW} labels"]
    headlines = [
        Headline("gain", "quality", differences(full, DISTILLED, ALONE), "percentage points", ALONE, 2.0,
                 "A small student that learns from a teacher is {} percentage points above one that learns from labels alone."),
        Headline("gain with few labels", "quality", differences(scarce, DISTILLED, ALONE), "percentage points", ALONE, 3.5,
                 f"Where only {FEW} images have labels and the teacher speaks on the others too, the gain is {{}} "
                 "percentage points."),
        Headline("gap to the teacher", "quality", differences(full, DISTILLED, "teacher"), "percentage points", "teacher", 2.0,
                 "Against its teacher, which has ninety times its weights, the student's accuracy differs by {} percentage "
                 "points."),
        Headline("gain at equal compute", "quality", differences(full, DISTILLED, "student alone, trained longer"),
                 "percentage points", "a student trained eight times as long", 2.0,
                 "Against a student alone that trains eight times as long, the gain is {} percentage points.", True),
        Headline("gain, both longer", "quality",
                 differences(full, "distilled, trained longer", "student alone, trained longer"), "percentage points",
                 "student alone, trained as long", 2.0,
                 "Where both train eight times as long, it is {} percentage points."),
        Headline("gain over smoothed labels", "quality", differences(full, DISTILLED, "student alone, smoothed labels"),
                 "percentage points", "smoothed labels", 2.0,
                 "Against a student whose labels are merely smoothed, which needs no teacher, the gain is {} percentage "
                 "points.", True),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[(f"accuracy, {name}", arms) for name, arms in scores.items()],
        table={f"accuracy, {name}, %": column(arms, "{:.2f}", 100) for name, arms in scores.items()},
        raw=scores,
    )


BENCHMARK = Benchmark(
    name="distillation",
    question="Does a small network learn more from a large one than from the labels alone?",
    claim="A student that imitates a teacher's soft scores beats the same student trained on the labels.",
    origin="Hinton et al., arXiv:1503.02531",
    protocol=(
        f"Teacher (64-256-256-10) and student (64-12-10) are trained {EPOCHS} epochs on 70% of scikit-learn's digits, the "
        f"student on labels, on smoothed labels, or on the teacher's scores (temperature {TEMPERATURE:g}, weight {SOFT}); all "
        f"students of a seed start from the same weights. In the scarce case {FEW} images have labels, the teacher learns from "
        "these and speaks on all; all students take as many steps. Accuracy is on the other 30%."
    ),
    limits=(
        "A student of 12 neurons on small images; the gain depends on how far student and teacher are apart.",
        "The student is trained to imitate on clean data; it inherits what its teacher gets wrong.",
    ),
    seconds_quick=25,
    run=measure,
    seeds=9,
    themes=("training-efficiency/distillation", "inference-efficiency/edge-deployment"),
    papers={
        "arxiv:1503.02531": "On MNIST a student with 146 test errors made 74 when it learned from the teacher's soft "
        "targets (teacher: 67).",
        "arxiv:1312.6184": "Shallow networks reach the accuracy of deep ones when they learn from the deep ones' scores.",
        "arxiv:1412.6550": "",
    },
)  # fmt: skip
