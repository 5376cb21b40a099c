"""What benchmarks on scikit-learn's handwritten digits share: the images, a perceptron, plain training, accuracy.

The digits are 1,797 images of 8 by 8 pixels (Alpaydin and Kaynak, UCI repository, 1998), which ship with scikit-learn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

SIDE, CLASSES = 8, 10


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images as float tensors of shape (images, 64) between 0 and 1, and their labels, split by class."""

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any


def load(seed: int, *, test: float = 0.3, place: str = "cpu") -> Digits:
    """Seed torch, and split the digits with the same seed; `test` is the share that is held out, `place` a device of torch."""
    import torch  # heavy, and only a run needs it
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    torch.manual_seed(seed)
    data = load_digits()
    split = train_test_split(data.data / 16.0, data.target, test_size=test, random_state=seed, stratify=data.target)
    train_x, test_x = (torch.tensor(part, dtype=torch.float32, device=place) for part in split[:2])
    train_y, test_y = (torch.tensor(part, dtype=torch.long, device=place) for part in split[2:])
    return Digits(train_x, train_y, test_x, test_y)


def perceptron(*widths: int) -> Any:
    """Return linear layers of these widths with ReLU between them."""
    from torch import nn

    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(
    model: Any,
    x: Any,
    y: Any,
    *,
    epochs: int,
    loss: Callable[[Any, Any], Any] | None = None,
    batch: int = 128,
    rate: float = 1e-3,
    after_step: Callable[[int], None] | None = None,
) -> Any:
    """Train with Adam and return the model, ready for testing.

    Args:
        x, y: the model's inputs, and what `loss` compares its outputs with.
        loss: (outputs, wanted) -> a number; cross-entropy by default.
        batch: images a step, drawn without replacement.
        rate: the learning rate.
        after_step: called with the number of each step, counted from 1.
    """
    import torch

    loss = loss or torch.nn.functional.cross_entropy
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    model.train()
    step = 0
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(x)), batch):
            optimizer.zero_grad()
            loss(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
            step += 1
            if after_step:
                after_step(step)
    return model.eval()


def accuracy(forward: Callable[[Any], Any], x: Any, y: Any) -> float:
    """Return the share of images whose highest score is their label's."""
    import torch

    with torch.inference_mode():
        return float((forward(x).float().argmax(1) == y).float().mean())
