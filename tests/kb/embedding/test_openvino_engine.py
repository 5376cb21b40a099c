"""The int8 engine: near the model's own vectors, in the texts' order, made once, and never mixed with others."""

import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kb import embedding
from kb.embedding import int8, openvino_engine
from kb.embedding.openvino_engine import OpenVinoEncoder
from kb.errors import InvalidInput, ModelError

pytestmark = pytest.mark.skipif(not (find_spec("openvino") and find_spec("nncf")), reason="OpenVINO or NNCF is not installed")

SmallModel = Callable[..., str]
PROMPTS = {"query": "query: ", "document": "passage: "}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder of the tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8.platformdirs, "user_cache_dir", lambda *_, **__: str(folder))
        yield folder


@pytest.fixture(scope="module")
def folder(cache: Path, small_model: SmallModel) -> str:
    return small_model(prompts=PROMPTS)


@pytest.fixture(scope="module")
def encoder(folder: str) -> OpenVinoEncoder:
    loaded = embedding.load(folder, engine="openvino")
    assert isinstance(loaded, OpenVinoEncoder)
    return loaded


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [*int8.shipped_texts()[:12], "Short.", "x " * 2_000, "שלום עולם 🧠", ""]


def cosines(one: embedding.Vectors, other: embedding.Vectors) -> np.ndarray:
    return np.einsum("ij,ij->i", one, other)


def test_vectors_are_near_those_in_full_precision(folder: str, encoder: OpenVinoEncoder, texts: list[str]) -> None:
    exact = embedding.load(folder).encode(texts)
    assert cosines(encoder.encode(texts), exact).mean() > 0.99


def test_the_thread_that_loads_the_engine_runs_it_first(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that run OpenVINO at once for the first time in a process may wait for each other for ever."""
    requests = pytest.importorskip("openvino").InferRequest
    infer, ran = requests.infer, []

    def noted(self: object, *told: object, **named: object) -> object:
        ran.append(threading.current_thread())
        return infer(self, *told, **named)

    monkeypatch.setattr(requests, "infer", noted)
    loaded = embedding.load(folder, engine="openvino")
    loaded.encode(["Kettles."])
    assert ran[0] == threading.current_thread() != ran[1]


def test_who_only_searches_does_not_load_what_embeds_documents(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requests, loaded = openvino_engine._requests, []
    monkeypatch.setattr(openvino_engine, "_requests", lambda path: (loaded.append(path.name), requests(path))[1])
    embedding.load(folder, engine="openvino").encode_query("kettles")
    assert loaded == ["plain.xml"]


def test_vectors_have_unit_length(encoder: OpenVinoEncoder, texts: list[str]) -> None:
    assert np.linalg.norm(encoder.encode(texts), axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-4)


def test_vectors_come_in_the_order_of_the_texts(encoder: OpenVinoEncoder, texts: list[str]) -> None:
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert cosines(encoder.encode(texts), alone).min() > 0.9999


def test_a_text_has_the_same_vector_in_any_batch(
    encoder: OpenVinoEncoder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = encoder.encode(texts)
    monkeypatch.setattr(openvino_engine, "TOKEN_BUDGET", 64)
    assert cosines(encoder.encode(texts), together).min() > 0.9999


def test_equal_calls_give_equal_bytes(encoder: OpenVinoEncoder, texts: list[str]) -> None:
    assert np.array_equal(encoder.encode(texts), encoder.encode(texts))


def test_no_text_gives_no_vector(encoder: OpenVinoEncoder) -> None:
    assert encoder.encode([]).shape == (0, 32)


def test_documents_and_queries_get_their_prompts(folder: str, encoder: OpenVinoEncoder) -> None:
    exact = embedding.load(folder)
    assert float(encoder.encode_query("kettles") @ exact.encode_query("kettles")) > 0.99
    assert float(encoder.encode(["kettles"])[0] @ encoder.encode_query("kettles")) < 0.9999


def test_a_query_is_not_rounded_to_int8(folder: str, encoder: OpenVinoEncoder) -> None:
    exact = embedding.load(folder)
    for query in ("kettles", "how badgers find their way at night", ""):
        assert float(encoder.encode_query(query) @ exact.encode_query(query)) > 0.99999


def test_vectors_can_be_cut_short(folder: str, encoder: OpenVinoEncoder) -> None:
    whole, short = encoder.encode(["Kettles."]), embedding.load(folder, engine="openvino", dimensions=8).encode(["Kettles."])
    assert short == pytest.approx(whole[:, :8] / np.linalg.norm(whole[:, :8]), abs=1e-5)


def test_more_dimensions_than_the_model_has_are_refused(folder: str, encoder: OpenVinoEncoder) -> None:
    with pytest.raises(InvalidInput, match="use 1 to 32"):
        embedding.load(folder, engine="openvino", dimensions=33)


def test_its_vectors_are_kept_apart_from_those_of_torch(folder: str, encoder: OpenVinoEncoder) -> None:
    other = embedding.load(folder)
    assert (encoder.weights, encoder.precision) == (other.weights, "int8")
    assert encoder.key == f"{other.key}+int8"
    assert [embedding.engine_of(key) for key in (encoder.key, other.key)] == ["openvino", "torch"]


def test_a_model_is_quantized_once(folder: str, encoder: OpenVinoEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "_make", lambda *_: pytest.fail("it was made again"))
    assert np.array_equal(embedding.load(folder, engine="openvino").encode(["Kettles."]), encoder.encode(["Kettles."]))


def test_a_model_that_was_damaged_on_disk_says_what_to_delete(small_model: SmallModel) -> None:
    folder = small_model(seed=7)
    made, _ = int8.prepared(folder)
    (made / "model.xml").write_text("damaged", encoding="utf-8")
    with pytest.raises(ModelError, match="Delete that folder"):
        embedding.load(folder, engine="openvino").encode(["Kettles."])


def test_a_model_that_cannot_be_converted_says_which_engine_can_run_it(
    small_model: SmallModel, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(int8, "_convert", refuse)
    with pytest.raises(ModelError, match=r'no such operation.*engine = "torch"'):
        embedding.load(small_model(seed=8), engine="openvino")
    assert not list((cache / "int8").glob("making-*"))


def test_nothing_is_sent_anywhere(encoder: OpenVinoEncoder) -> None:
    assert sys.modules["openvino_telemetry"] is None


def test_the_shipped_texts_are_those_of_the_starter_library() -> None:
    assert len(int8.shipped_texts()) > 500
    assert all(len(text) > 40 for text in int8.shipped_texts())
