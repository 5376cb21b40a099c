"""The samplers are DDPM and DDIM; the distance tells like sets from unlike ones."""

import pytest
import torch

from pipelines.benchmarks import diffusion

PLACE = torch.tensor([0.5, -1.0])
"""All real points lie here, so the best prediction of the noise is known."""


def noise(points: torch.Tensor, levels: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    left = diffusion.remaining()[levels, None]
    return (points - left.sqrt() * PLACE) / (1 - left).sqrt()


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("count", [5, 200])
def test_samples_land_where_the_points_are(eta: float, count: int) -> None:
    made = diffusion.sample(noise, torch.zeros(20, dtype=torch.long), count, eta=eta)
    assert torch.allclose(made, PLACE.expand(20, 2), atol=1e-3)


def test_with_eta_one_and_all_steps_a_step_is_that_of_ddpm() -> None:
    """DDPM: the mean is (x - beta / sqrt(1 - left) noise) / sqrt(alpha), the variance that of the posterior."""
    left, level = diffusion.remaining(), 120
    alpha = left[level] / left[level - 1]
    points, noise = torch.randn(7, 2), torch.randn(7, 2)
    mean = (points - (1 - alpha) / (1 - left[level]).sqrt() * noise) / alpha.sqrt()
    variance = (1 - left[level - 1]) / (1 - left[level]) * (1 - alpha)
    ours, deviation = diffusion.denoised(points, noise, left[level], left[level - 1], eta=1.0)
    assert torch.allclose(ours, mean, atol=1e-5)
    assert torch.allclose(deviation**2, variance, atol=1e-6)


def test_ddim_draws_no_noise_after_its_start() -> None:
    classes = torch.zeros(4, dtype=torch.long)
    torch.manual_seed(0)
    start = torch.randn(4, 2)
    torch.manual_seed(0)
    made = diffusion.sample(lambda points, levels, classes: torch.zeros_like(points), classes, 3)
    assert torch.allclose(made, start / diffusion.remaining()[-1].sqrt(), rtol=1e-4)


def test_the_distance_of_like_sets_is_near_nought_and_of_unlike_ones_is_not() -> None:
    one, other, far = diffusion.moons(500, 0)[0], diffusion.moons(500, 1)[0], diffusion.moons(500, 2)[0] + 1
    assert abs(diffusion.mmd(one, other)) < 5 < diffusion.mmd(one, far)
