"""BERT without padding gives the vectors of BERT with it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from kb import embedding
from kb.embedding.packed import PackedBert, pack, packable
from kb.embedding.torch_engine import TorchEncoder

TEXTS = ["Badgers at night.", "A study of made-up socks and how they pair. " * 12, "Kettles.", "", "x " * 400]
SmallModel = Callable[..., str]


def exact(folder: str) -> TorchEncoder:
    encoder = TorchEncoder(folder, device="cpu")
    encoder.precision = "fp32"
    return encoder


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_packed_tokens_give_the_vectors_of_padded_ones(small_model: SmallModel, pooling: str) -> None:
    encoder = exact(small_model(pooling=pooling))
    expected = encoder.encode(TEXTS)
    encoder._packed = PackedBert(encoder._model)
    assert encoder.encode(TEXTS) == pytest.approx(expected, abs=2e-5)


def test_the_default_model_can_be_packed() -> None:
    encoder = exact("sentence-transformers/all-MiniLM-L6-v2")
    expected = encoder.encode(TEXTS)
    encoder._packed = PackedBert(encoder._model)
    assert packable(encoder._model)
    assert encoder.encode(TEXTS) == pytest.approx(expected, abs=2e-5)


def test_a_text_does_not_see_its_neighbours(small_model: SmallModel) -> None:
    encoder = exact(small_model())
    encoder._packed = PackedBert(encoder._model)
    together = encoder.encode(TEXTS)
    assert np.concatenate([encoder.encode([text]) for text in TEXTS]) == pytest.approx(together, abs=2e-5)


def test_running_out_of_memory_halves_the_budget_without_padding_too(
    small_model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = exact(small_model())
    encoder._packed = PackedBert(encoder._model)
    expected, whole, before = encoder.encode(TEXTS), encoder._without_padding, encoder._budget

    def poor(rows: list[list[int]]) -> torch.Tensor:
        if len(rows) > 2:
            raise torch.OutOfMemoryError("no memory left")
        return whole(rows)

    monkeypatch.setattr(encoder, "_without_padding", poor)
    assert encoder.encode(TEXTS) == pytest.approx(expected, abs=2e-5)
    assert encoder._budget < before


def test_packing_lays_texts_one_after_the_other() -> None:
    ids, positions, starts, owners, longest = pack([[5, 6, 7], [8], [9, 10]])
    assert ids.tolist() == [5, 6, 7, 8, 9, 10]
    assert positions.tolist() == [0, 1, 2, 0, 0, 1]
    assert starts.tolist() == [0, 3, 4, 6]
    assert owners.tolist() == [0, 0, 0, 1, 2, 2]
    assert longest == 3


def test_a_network_of_another_kind_is_not_packed(small_model: SmallModel) -> None:
    model = exact(small_model())._model
    model[0].auto_model.config.hidden_act = "relu"
    assert not packable(model)


def test_on_a_processor_nothing_is_packed(small_model: SmallModel) -> None:
    assert TorchEncoder(small_model(), device="cpu")._packed is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_packed_vectors_are_those_in_full_precision(small_model: SmallModel) -> None:
    folder = small_model()
    encoder = embedding.load(folder, device="cuda")
    assert np.einsum("ij,ij->i", encoder.encode(TEXTS), exact(folder).encode(TEXTS)).min() > 0.999
