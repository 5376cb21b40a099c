"""BERT without padding gives the vectors of BERT with it."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kb import embedding
from kb.embedding import packed_engine, packed_torch
from kb.embedding.packed import PackedBert, packable
from kb.embedding.packed_engine import GpuEncoder, PackedEncoder, batch_end, by_length, packed
from kb.embedding.torch_engine import TorchEncoder

TEXTS = ["Badgers at night.", "A study of made-up socks and how they pair. " * 12, "Kettles.", "", "x " * 400]
SmallModel = Callable[..., str]


def exact(folder: str) -> TorchEncoder:
    encoder = TorchEncoder(folder, device="cpu")
    encoder.precision = "fp32"
    return encoder


def without_padding(plain: TorchEncoder) -> PackedEncoder:
    return PackedEncoder(plain, PackedBert(plain.network))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_packed_tokens_give_the_vectors_of_padded_ones(small_model: SmallModel, pooling: str) -> None:
    plain = exact(small_model(pooling=pooling))
    assert without_padding(plain).encode(TEXTS) == pytest.approx(plain.encode(TEXTS), abs=2e-5)


def test_the_default_model_can_be_packed() -> None:
    plain = exact("sentence-transformers/all-MiniLM-L6-v2")
    assert packable(plain.network)
    assert without_padding(plain).encode(TEXTS) == pytest.approx(plain.encode(TEXTS), abs=2e-5)


def test_a_text_does_not_see_its_neighbours(small_model: SmallModel) -> None:
    encoder = without_padding(exact(small_model()))
    together = encoder.encode(TEXTS)
    assert np.concatenate([encoder.encode([text]) for text in TEXTS]) == pytest.approx(together, abs=2e-5)


def test_a_documents_prompt_goes_before_every_text(small_model: SmallModel) -> None:
    plain = exact(small_model(prompts={"document": "passage: "}))
    assert without_padding(plain).encode(TEXTS) == pytest.approx(plain.encode(TEXTS), abs=2e-5)


def test_a_shortened_vector_has_unit_length_too(small_model: SmallModel) -> None:
    plain = TorchEncoder(small_model(), device="cpu", dimensions=8)
    found = without_padding(plain).encode(TEXTS)
    assert found.shape == (len(TEXTS), 8)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_running_out_of_memory_halves_the_budget_and_loses_nothing(
    small_model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = without_padding(exact(small_model()))
    expected, whole, before = encoder.encode(TEXTS), encoder.network.forward, encoder.budget

    def poor(ids: torch.Tensor, starts: torch.Tensor, longest: int) -> torch.Tensor:
        if len(starts) > 3:
            raise torch.OutOfMemoryError("no memory left")
        return whole(ids, starts, longest)

    monkeypatch.setattr(encoder.network, "forward", poor)
    assert encoder.encode(TEXTS) == pytest.approx(expected, abs=2e-5)
    assert encoder.budget < before


def test_a_text_that_does_not_fit_alone_is_an_error(small_model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = without_padding(exact(small_model()))

    def poor(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no memory left")

    monkeypatch.setattr(encoder.network, "forward", poor)
    with pytest.raises(torch.OutOfMemoryError):
        encoder.encode(TEXTS)


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_sorting_by_length_keeps_each_texts_numbers(lengths: list[int]) -> None:
    rows = [np.full(length, number, np.int32) for number, length in enumerate(lengths)]
    order, numbers, starts = by_length(np.concatenate(rows), np.array(lengths))
    assert [len(rows[text]) for text in order] == sorted(lengths, reverse=True)
    for place, text in enumerate(order):
        assert numbers[starts[place] : starts[place + 1]].tolist() == rows[text].tolist()


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=30), budget=st.integers(1, 60))
def test_batches_take_every_text_once_and_keep_to_the_budget(lengths: list[int], budget: int) -> None:
    starts = np.concatenate([[0], np.cumsum(sorted(lengths, reverse=True))])
    taken = list(batches(starts, budget))
    assert taken[0][0] == 0
    assert taken[-1][1] == len(lengths)
    assert all(one[1] == other[0] for one, other in pairwise(taken))
    assert all(starts[end] - starts[start] <= budget or end - start == 1 for start, end in taken)


def batches(starts: np.ndarray, budget: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(starts) - 1:
        end = batch_end(starts, start, budget)
        yield start, end
        start = end


def test_a_network_of_another_kind_is_not_packed(small_model: SmallModel) -> None:
    plain = exact(small_model())
    plain.network[0].auto_model.config.hidden_act = "relu"
    assert packed(plain) is plain


def test_kernels_that_cannot_be_used_here_leave_torchs_own(small_model: SmallModel) -> None:
    found = packed(exact(small_model()))  # on a processor Triton has nothing to compile for
    assert isinstance(found, PackedEncoder)
    assert found.network.steps is packed_torch


def test_kernels_that_give_other_vectors_are_not_taken(small_model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = exact(small_model())
    monkeypatch.setattr(packed_torch, "mean", lambda hidden, starts: hidden[starts[:-1].long()].float())
    monkeypatch.setattr(packed_engine, "kernels", lambda: iter([packed_torch]))
    assert packed(plain) is plain


def test_questions_alone_do_not_wait_for_packing(small_model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = exact(small_model())
    encoder = GpuEncoder(plain)
    packings: list[TorchEncoder] = []
    monkeypatch.setattr(packed_engine, "packed", lambda one: packings.append(one) or without_padding(one))
    assert np.array_equal(encoder.encode_query("badgers"), plain.encode_query("badgers"))
    assert not packings
    assert encoder.encode(TEXTS) == pytest.approx(plain.encode(TEXTS), abs=2e-5)
    encoder.encode(TEXTS)
    assert packings == [plain]


def test_on_a_processor_texts_are_padded(small_model: SmallModel) -> None:
    assert isinstance(embedding.load(small_model(), device="cpu"), TorchEncoder)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_packed_vectors_are_those_in_full_precision(small_model: SmallModel) -> None:
    folder = small_model()
    encoder = embedding.load(folder, device="cuda")
    assert isinstance(encoder, GpuEncoder)
    assert np.einsum("ij,ij->i", encoder.encode(TEXTS), exact(folder).encode(TEXTS)).min() > 0.999
    assert isinstance(encoder._fastest, PackedEncoder)
