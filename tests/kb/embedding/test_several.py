"""Several devices share the work; where a text was embedded does not show. Two copies on the CPU stand for two GPUs."""

from collections.abc import Callable

import numpy as np
import pytest

from kb.embedding import several
from kb.embedding.several import SeveralDevices, on_all_devices
from kb.embedding.torch_engine import TorchEncoder

TEXTS = [f"A study of made-up socks, part {number}. " * (1 + number % 5) for number in range(23)]
SmallModel = Callable[..., str]


@pytest.mark.parametrize("count", [0, 1, 2, 23])
def test_texts_come_back_in_their_order(small_model: SmallModel, count: int) -> None:
    one = TorchEncoder(small_model(), device="cpu")
    both = SeveralDevices([one, TorchEncoder(small_model(), device="cpu")])
    found, expected = both.encode(TEXTS[:count]), one.encode(TEXTS[:count])
    assert found.shape == expected.shape
    assert (np.einsum("ij,ij->i", found, expected) > 0.999).all()


def test_every_device_gets_a_share(small_model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = [TorchEncoder(small_model(), device="cpu") for _ in range(2)]
    shares: list[int] = []
    for encoder in encoders:
        whole = encoder.encode
        monkeypatch.setattr(encoder, "encode", lambda texts, whole=whole: shares.append(len(texts)) or whole(texts))
    SeveralDevices(encoders).encode(TEXTS)
    assert sorted(shares) == [11, 12]


def test_there_is_one_copy_of_the_model_for_each_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    devices: list[str] = []

    class Fake:
        key = model = weights = engine = precision = ""
        device = "cpu"
        dimensions = 4

        def __init__(self, _: str, *, device: str) -> None:
            devices.append(device)

    monkeypatch.setattr(several, "TorchEncoder", Fake)
    monkeypatch.setattr(several.torch.cuda, "device_count", lambda: 3)
    assert isinstance(on_all_devices("any", "auto"), SeveralDevices)
    assert devices == ["cuda:0", "cuda:1", "cuda:2"]
    on_all_devices("any", "cpu")
    assert devices[3:] == ["cpu"]
