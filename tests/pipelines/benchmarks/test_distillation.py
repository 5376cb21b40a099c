"""The student's loss hears the teacher everywhere and the labels where there are some."""

import torch

from pipelines.benchmarks import distillation


def test_a_student_that_agrees_with_its_teacher_and_the_labels_loses_little() -> None:
    scores, labels = 20 * torch.eye(10), torch.arange(10)
    agreeing = distillation.distilling(scores, distillation.targets(scores, labels))
    other = distillation.distilling(scores, distillation.targets(scores.roll(1, 0), labels))
    assert float(agreeing) < 0.01 < float(other)


def test_images_without_a_label_hear_the_teacher_alone() -> None:
    soft, scores = torch.randn(6, 10), torch.randn(6, 10)
    wanted = distillation.targets(soft, torch.arange(2))
    assert wanted[:, -1].tolist() == [0, 1, -1, -1, -1, -1]
    assert torch.isfinite(distillation.distilling(scores[2:], wanted[2:]))
