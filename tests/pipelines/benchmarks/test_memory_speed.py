"""The cache and the checkpoints change cost, not results."""

import pytest
import torch

from pipelines.benchmarks import memory_speed
from pipelines.benchmarks.machine import tensor_megabytes


@pytest.fixture(scope="module")
def decoder() -> torch.nn.Module:
    torch.manual_seed(0)
    made: torch.nn.Module = memory_speed.decoder()
    return made


def test_the_cache_changes_no_word(decoder: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_speed, "NEW", 8)
    prompt = torch.randint(0, memory_speed.WORDS, (2, 12))
    assert torch.equal(
        memory_speed.write(decoder, prompt, memory_speed.CACHE), memory_speed.write(decoder, prompt, memory_speed.NO_CACHE)
    )


def test_checkpoints_give_the_same_gradients_in_less_memory(decoder: torch.nn.Module) -> None:
    words = torch.randint(0, memory_speed.WORDS, (4, 33))

    def gradients(checkpointed: bool) -> torch.Tensor:
        memory_speed.train_step(decoder, words, checkpointed=checkpointed)
        return torch.cat([one.grad.flatten().clone() for one in decoder.parameters() if one.grad is not None])

    assert torch.allclose(gradients(False), gradients(True), atol=1e-6)
    kept, again = (
        tensor_megabytes(lambda flag=flag: memory_speed.train_step(decoder, words, checkpointed=flag))  # type: ignore[misc]
        for flag in (False, True)
    )
    assert again < kept


def test_rounding_the_cache_keeps_it_near() -> None:
    values = torch.randn(1, 4, 10, 32)
    integers, _ = kept = memory_speed.rounded(values)
    assert integers.dtype == torch.int8
    assert float((memory_speed.restored(kept) - values).abs().max()) < 0.03
