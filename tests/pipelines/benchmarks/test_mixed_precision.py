"""Small gradients vanish in fp16, and scaling saves them."""

import torch

from pipelines.benchmarks import mixed_precision


def gradients(arm: mixed_precision.Arm, weight: float) -> float:
    """The share of gradients that are zero after a step."""
    step, model = mixed_precision.training(0, 32, arm, weight=weight)
    step(torch.rand(64, 64), torch.arange(64) % 10)
    found = torch.cat([one.grad.flatten() for one in model.parameters()])
    return float((found == 0).float().mean())


def test_small_losses_vanish_in_fp16_and_scaling_saves_them() -> None:
    fp32, fp16, scaled = (
        gradients(mixed_precision.ARMS[name], 1e-6)
        for name in (mixed_precision.FP32, mixed_precision.FP16, mixed_precision.SCALED)
    )
    assert fp16 > fp32 + 0.3
    assert scaled < fp32 + 0.1
