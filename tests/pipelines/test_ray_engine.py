"""Embedding on a Ray cluster of three processes: the same vectors as here, whatever happens to a worker."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kb import embedding, settings
from kb.errors import KbError, ModelError, SettingsError
from kb.settings import Settings
from kb.store import Store
from pipelines import ray_engine
from pipelines.progress import Silent
from pipelines.refresh import refresh
from pipelines.sources import Window

needs_ray = pytest.mark.skipif(not find_spec("ray"), reason='Ray is not installed: pip install "papertide[ray]"')
CHUNKS = [
    [f"A study of made-up socks, part {part}, chapter {chapter}. " * (1 + part % 7) for part in range(40)]
    for chapter in range(12)
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A cluster of three workers on this machine."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


def told(folder: str) -> Settings:
    return Settings(home=Path(), store_uri="", model=folder, engine="torch", compute="ray")


def worker_processes() -> list[int]:
    """The processes that hold a copy of the model."""
    import psutil

    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if child.is_running() and " ".join(child.cmdline()).startswith("ray::Worker")]


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_vectors_are_the_same_to_the_last_bit_though_a_worker_is_killed(cluster: object, small_model: Callable[..., str]) -> None:
    folder = small_model()
    encoder = embedding.load(folder, device="cpu")
    expected = {chunk[0]: encoder.encode(chunk) for chunk in CHUNKS}
    found = {}
    killed: list[int] = []
    for chunk, vectors in ray_engine.encode_chunks(told(folder), encoder, CHUNKS, cores=1):
        found[chunk[0]] = vectors
        if not killed:
            there = worker_processes()
            assert len(there) == 3
            killed.append(there[0])
            os.kill(there[0], signal.SIGKILL)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_a_refresh_on_a_cluster_stores_what_a_local_one_stores(
    cluster: object, small_model: Callable[..., str], snapshot: Callable[..., Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys.modules["pipelines.refresh.embed"], "CHUNK", 10)
    spec = f"arxiv_snapshot={snapshot(range(35))}"
    stored = []
    for compute in ("local", "ray"):
        home = tmp_path / compute
        home.mkdir()
        (home / "kb.toml").write_text(f'[embedding]\nmodel = "{small_model()}"\n[compute]\nengine = "{compute}"\n')
        refresh(settings.load(home), [spec], Window(), Silent())
        store = Store.read(settings.load(home).store_uri)
        names, vectors = store.vectors(str((store.run or {})["model"]))
        stored.append({name: vector.tobytes() for name, vector in zip(names, vectors, strict=True)})
    assert len(stored[0]) == 35
    assert stored[0] == stored[1]


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_a_worker_with_other_weights_is_refused(cluster: object, small_model: Callable[..., str]) -> None:
    encoder = embedding.load(small_model(seed=1), device="cpu")
    with pytest.raises(ModelError, match="a worker"):
        list(ray_engine.encode_chunks(told(small_model(seed=2)), encoder, CHUNKS[:1], cores=1))


def test_without_ray_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KbError, match=r"papertide\[ray\]"):
        ray_engine._connected("")


def test_an_unknown_place_to_compute_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text('[compute]\nengine = "abacus"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="One of local, ray"):
        settings.load(tmp_path, {})
