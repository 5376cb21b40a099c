"""The arms of the quantization benchmark compute what their names say."""

import copy

import pytest
import torch

from pipelines.benchmarks import digits, quantization


@pytest.fixture(scope="module")
def layer() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(32, 64), torch.randn(32), torch.randn(16, 64).relu()


@pytest.mark.parametrize(
    ("make", "most"),
    [(quantization._int8_weights, 0.02), (quantization._int8_both, 0.02), (quantization._int4_weights, 0.1)],
    ids=["int8 weights", "int8 dynamic", "int4 weights"],
)
def test_a_rounded_layer_is_near_the_fp32_layer(layer: tuple[torch.Tensor, ...], make: object, most: float) -> None:
    weight, bias, images = layer
    exact = torch.nn.functional.linear(images, weight, bias)
    off = (make(weight, bias)(images).float() - exact).norm() / exact.norm()  # type: ignore[operator]
    assert 0 < off < most


def test_an_int4_layer_computes_with_sixteen_values_a_group(layer: tuple[torch.Tensor, ...]) -> None:
    weight, bias, _ = layer
    restored = quantization._int4_weights(weight, bias * 0)(torch.eye(64)).float().T
    assert max(len(group.unique()) for group in restored.reshape(-1, quantization.GROUP)) <= 16


def test_static_int8_is_near_the_network_that_it_was_made_of(model: torch.nn.Module, data: digits.Digits) -> None:
    arms = quantization._compiled(model, data.train_x)
    with torch.inference_mode():
        exact = model(data.test_x)
        off = {arm: float((forward(data.test_x) - exact).norm() / exact.norm()) for arm, forward in arms.items()}
    assert off[quantization.COMPILED] < 1e-5 < off[quantization.STATIC] < 0.2


def test_fewer_bits_lie_farther_off(layer: tuple[torch.Tensor, ...]) -> None:
    weight, bias, images = layer
    exact = torch.nn.functional.linear(images, weight, bias)
    off = [float((quantization._rounded(weight, bias, bits)(images) - exact).norm()) for bits in (8, 4, 2)]
    assert off[0] < off[1] < off[2]


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_rounded_weights_take_only_as_many_values_as_their_bits_allow(layer: tuple[torch.Tensor, ...], bits: int) -> None:
    integers, _ = quantization._to_int(layer[0], bits)
    assert len(integers.unique()) <= 2**bits - 1


def test_a_row_of_zeros_does_not_divide_by_zero() -> None:
    integers, scale = quantization._to_int(torch.zeros(2, 3), 8)
    assert torch.isfinite(integers * scale).all()


def test_sizes_shrink_with_the_bits() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(64, 10))
    sizes = [quantization._kilobytes(model, arm) for arm in ("fp32", "bf16", "int8 weights", "int4 weights", "int2 weights")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 4 * (640 + 10) / 1000


def test_weights_trained_for_few_bits_take_only_those_values(model: torch.nn.Module, data: digits.Digits) -> None:
    learner = quantization._trained_so(copy.deepcopy(model), data)["int2 weights, trained so"]
    assert len(learner[0].weight[0].unique()) <= 3  # type: ignore[index]


def test_training_with_the_rounding_beats_rounding_afterwards(model: torch.nn.Module, data: digits.Digits) -> None:
    trained = quantization._trained_so(copy.deepcopy(model), data)["int2 weights, trained so"]
    layers = [(layer.weight.detach(), layer.bias.detach()) for layer in model if hasattr(layer, "weight")]  # type: ignore[attr-defined]
    after = quantization._forward([quantization._rounded(weight, bias, 2) for weight, bias in layers])
    assert digits.accuracy(trained, data.test_x, data.test_y) > digits.accuracy(after, data.test_x, data.test_y)
