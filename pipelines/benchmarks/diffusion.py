"""Diffusion: do more sampling steps give better samples, and what does guidance cost in variety?"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, over_seeds, quotients
from pipelines.benchmarks.machine import device, one_thread

LEVELS, WIDTH, TRAINING, BATCH, SAMPLES = 200, 128, 3_000, 256, 1_000
"""Levels of noise, the network's width, its steps of training and their size, and samples that are compared."""
DROPPED = 0.2
"""How often training hides the class, so that the same network also knows samples of any class."""
COUNTS, GUIDANCE = (5, 10, 20, 50, 200), (0.0, 1.0, 3.0)
FLOOR = "two sets of real points"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train one small diffusion model a seed and sample from it with ever more steps and ever more guidance."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    with torch.device(device()):  # every new tensor lies there; nothing is timed, so its overhead does not matter
        return _measured(seed)


def _measured(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    torch.manual_seed(seed)
    model = trained(seed)
    real, labels = moons(SAMPLES, seed + 1_000)
    distance = {FLOOR: mmd(moons(SAMPLES, seed + 2_000)[0], real)}
    for count in COUNTS:
        for name, eta in (("DDPM", 1.0), ("DDIM", 0.0)):
            distance[f"{name}, {count} steps"] = mmd(sample(model, labels, count, eta=eta), real)
    spread, chosen = {FLOOR: _spread(real, labels)}, {}
    for guidance in GUIDANCE:
        made = sample(model, labels, 50, guidance=guidance)
        arm = f"guidance {guidance:g}"
        spread[arm], chosen[arm] = _spread(made, labels), _nearest_class(made, labels, real)
        distance[arm] = mmd(made, real)
    return {"distance": distance, "spread": spread, "right class": chosen}


def moons(count: int, seed: int) -> tuple[Any, Any]:
    """Return points of two interleaved half circles, of unit variance, shape (count, 2), and the circle of each."""
    import torch
    from sklearn.datasets import make_moons

    points, labels = make_moons(count, noise=0.08, random_state=seed)
    return torch.tensor((points - (0.5, 0.25)) / (0.87, 0.50), dtype=torch.float32), torch.tensor(labels)


def remaining() -> Any:
    """Return how much of the signal's variance each level leaves, from level 0 (all) on; a linear schedule of noise."""
    import torch

    all_of_it = torch.ones(1)
    # Its device is named: once OpenVINO has converted a model, `torch.device` as a context no longer reaches linspace.
    noise = torch.linspace(5e-4, 0.1, LEVELS, device=all_of_it.device)
    return torch.cat([all_of_it, torch.cumprod(1 - noise, 0)])


def trained(seed: int) -> Callable[[Any, Any, Any], Any]:
    """Return a network (noisy points, levels, classes) -> noise. Ho, Jain and Abbeel, NeurIPS 2020.

    Class 2 stands for any class, as Ho and Salimans, "Classifier-free diffusion guidance", 2022, have it.
    """
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Linear(2 + 16 + 3, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(),
        nn.Linear(WIDTH, 2),
    )  # fmt: skip
    rates = 2.0 ** torch.arange(8)

    def forward(points: Any, levels: Any, classes: Any) -> Any:
        angles = levels[:, None] / LEVELS * rates
        return net(torch.cat([points, angles.sin(), angles.cos(), nn.functional.one_hot(classes, 3).float()], dim=1))

    optimizer, left = torch.optim.Adam(net.parameters(), lr=2e-3), remaining()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, TRAINING)
    points, labels = moons(20_000, seed)
    for _ in range(TRAINING):
        chosen, levels = torch.randint(0, len(points), (BATCH,)), torch.randint(1, LEVELS + 1, (BATCH,))
        noise, signal = torch.randn(BATCH, 2), left[levels, None]
        classes = torch.where(torch.rand(BATCH) < DROPPED, 2, labels[chosen])
        found = forward(signal.sqrt() * points[chosen] + (1 - signal).sqrt() * noise, levels, classes)
        optimizer.zero_grad()
        nn.functional.mse_loss(found, noise).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return forward


def sample(model: Callable[[Any, Any, Any], Any], classes: Any, count: int, *, eta: float = 0.0, guidance: float = 0.0) -> Any:
    """Return samples made in `count` steps from noise; `eta` 0 is DDIM, 1 is DDPM on the same levels.

    Args:
        model: tells the noise in (points, levels, classes).
        classes: of the samples.
        guidance: how far to go beyond the class's own prediction, away from that of any class; 0 is the class's own.
    """
    import torch

    left = remaining()
    levels = torch.linspace(LEVELS, 0, count + 1, device=classes.device).round().long()
    points = torch.randn(len(classes), 2)
    with torch.inference_mode():
        for level, target in pairwise(levels):
            at = level.expand(len(classes))
            noise = model(points, at, classes)
            if guidance:
                noise = noise + guidance * (noise - model(points, at, torch.full_like(classes, 2)))
            mean, deviation = denoised(points, noise, left[level], left[target], eta)
            points = mean + deviation * torch.randn_like(points)
    return points


def denoised(points: Any, noise: Any, signal: Any, wanted: Any, eta: float) -> tuple[Any, Any]:
    """Return (mean, standard deviation) of the points at a level that leaves `wanted` of the signal's variance, not `signal`.

    Song, Meng and Ermon, "Denoising diffusion implicit models", ICLR 2021, equations 12 and 16.
    """
    clean = (points - (1 - signal).sqrt() * noise) / signal.sqrt()
    deviation = eta * ((1 - wanted) / (1 - signal) * (1 - signal / wanted)).sqrt()
    return wanted.sqrt() * clean + (1 - wanted - deviation**2).sqrt() * noise, deviation


def mmd(one: Any, other: Any) -> float:
    """Return the maximum mean discrepancy of two sets of points, in thousandths; around 0, also below it, for equal ones.

    Gretton et al., JMLR 13 (2012), unbiased, with Gaussian kernels of widths 0.1, 0.3 and 1.
    """
    import torch

    def kernel(a: Any, b: Any) -> Any:
        squared = torch.cdist(a, b) ** 2
        return sum(torch.exp(-squared / (2 * width**2)) for width in (0.1, 0.3, 1.0)) / 3

    def within(a: Any) -> Any:
        return (kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1))

    return float(1e3 * (within(one) + within(other) - 2 * kernel(one, other).mean()))


def _spread(points: Any, classes: Any) -> float:
    """Return the mean standard deviation within a class."""
    return float(np.mean([float(points[classes == one].std(0).mean()) for one in (0, 1)]))


def _nearest_class(points: Any, classes: Any, real: Any) -> float:
    """Return the share of points whose nearest real point is of their class; `classes` are those of both."""
    import torch

    return float((classes[torch.cdist(points, real).argmin(1)] == classes).float().mean())


def _told(scores: Scores) -> Measured:
    distance, spread = scores["distance"], scores["spread"]

    def between(name: str, arm: str, tolerance: float, sentence: str, *, fails: bool = False) -> Headline:
        return Headline(name, "quality", distance[arm], "thousandths", "real points", tolerance, sentence, fails)

    headlines = [
        between("DDPM 200", "DDPM, 200 steps", 1.5, "With all 200 steps samples of DDPM lie at a distance of {} thousandths "
        "(MMD)."),
        between("floor", FLOOR, 0.8, "Two sets of real points lie at {} thousandths: below that nothing can be told."),
        between("DDPM 10", "DDPM, 10 steps", 8.0, "With 10 steps DDPM is at {} thousandths."),
        between("DDIM 10", "DDIM, 10 steps", 6.5, "DDIM with the same network and 10 steps is at {} thousandths."),
        Headline("right class, guided", "quality", [100 * value for value in scores["right class"]["guidance 3"]], "percent",
                 "the class asked for", 2.0, "With guidance 3, {} percent of the samples are nearest to the class asked for."),
        Headline("variety, guided", "quality", quotients(spread, "guidance 3", "guidance 0"), "times", "guidance 0", 0.35,
                 "Their spread within a class is {} times that without guidance.", True),
        between("distance, guided", "guidance 3", 36.0, "They lie at {} thousandths from real points.", fails=True),
        Headline("DDIM 200 over 20", "quality",
                 [a - b for a, b in zip(distance["DDIM, 200 steps"], distance["DDIM, 20 steps"], strict=True)],
                 "thousandths", "DDIM with 20 steps", 1.5,
                 "Ten times the steps change the distance of DDIM from 20 steps on by {} thousandths."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[("distance from real points (MMD, thousandths)", distance), ("spread within a class", spread)],
        table={
            "distance, thousandths": column(distance, "{:.2f}"),
            "spread": column(spread, "{:.3f}"),
            "right class, %": column(scores["right class"], "{:.1f}", 100),
        },
        raw=scores,
    )


BENCHMARK = Benchmark(
    name="diffusion",
    question="Do more sampling steps give a diffusion model better samples, and what does guidance cost?",
    claim="More steps give better samples, DDIM needs far fewer of them, and guidance improves the samples.",
    origin="Ho et al., arXiv:2006.11239; Song et al., arXiv:2010.02502; Ho and Salimans, arXiv:2207.12598",
    protocol=(
        f"A perceptron of width {WIDTH} learns to tell the noise in two half circles (scikit-learn's moons) at {LEVELS} levels, "
        f"{TRAINING} steps of {BATCH} points, once a seed. {SAMPLES} samples a way are compared with fresh real points by the "
        "unbiased maximum mean discrepancy; two real sets tell the least that can be seen. DDPM is the same sampler with eta = "
        "1. Guided samples take 50 steps of DDIM."
    ),
    limits=(
        "scikit-learn lays the points evenly along the circles, so two real sets lie a little nearer than two random ones.",
        "Points in the plane, not images; how many steps are enough depends on the data and the network.",
        "DDPM with few steps skips levels of the same schedule; samplers of higher order need fewer steps than either.",
    ),
    seconds_quick=30,
    run=measure,
    gpu=True,
    seeds=5,
    seeds_quick=2,
    themes=("generative-models/diffusion", "generative-models/image-video-generation"),
    papers={
        "arxiv:2006.11239": "",
        "arxiv:2010.02502": "DDIM makes samples 10 to 50 times faster than DDPM; with 20 to 100 steps they are as good as "
        "with 1,000.",
        "arxiv:2207.12598": "Guidance trades variety for fidelity: with more of it FID gets worse while the Inception score "
        "rises.",
    },
)  # fmt: skip
