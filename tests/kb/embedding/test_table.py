"""A table learnt from an encoder lands in its space; the encoder here is one whose answer is known."""

from pathlib import Path

import numpy as np
import pytest

from kb.embedding.table import TokenTable, distil, load, principal_axes, unit

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.normal(size=(40, 24)).astype(np.float32)
"""What each of forty word pieces means to the encoder of these tests, which adds them up."""


def encode(texts: list[list[int]]) -> np.ndarray:
    return unit(np.stack([TRUE[text].sum(axis=0) for text in texts]).astype(np.float32))


def texts(count: int, longest: int) -> list[list[int]]:
    return [RANDOM.integers(0, 40, RANDOM.integers(2, longest)).tolist() for _ in range(count)]


QUESTIONS, DOCUMENTS = texts(600, 6), texts(300, 30)


@pytest.fixture(scope="module")
def table() -> TokenTable:
    return distil(QUESTIONS, encode(QUESTIONS), DOCUMENTS, encode(DOCUMENTS), dimensions=24)


def test_questions_land_near_the_encoders_own_vectors(table: TokenTable) -> None:
    new = texts(200, 6)
    cosines = (table.encode(new) * (encode(new) @ table.basis)).sum(axis=1)
    assert cosines.mean() > 0.97


def test_the_same_input_gives_the_same_table(table: TokenTable) -> None:
    again = distil(QUESTIONS, encode(QUESTIONS), DOCUMENTS, encode(DOCUMENTS), dimensions=24)
    assert again.rows.tobytes() == table.rows.tobytes()


def test_unknown_pieces_are_left_out_and_nothing_known_is_the_zero_vector(table: TokenTable) -> None:
    assert np.allclose(table.encode([[1, 2, 99]]), table.encode([[1, 2]]), atol=1e-6) or (1, 2) in map(
        tuple, table.pairs.tolist()
    )
    assert not table.encode([[99], []]).any()


def test_coverage_is_the_share_of_pieces_with_a_row(table: TokenTable) -> None:
    assert table.coverage([[1, 2, 3, 99]]) == 0.75


def test_a_table_comes_back_from_its_file_and_a_broken_file_is_no_table(table: TokenTable, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "table.npz"
    table.save(path)
    found = load(path)
    assert found is not None
    assert found.rows.tobytes() == table.rows.tobytes()
    path.write_bytes(b"torn")
    assert load(path) is None
    assert load(tmp_path / "none.npz") is None


def test_principal_axes_are_orthonormal_and_largest_first() -> None:
    vectors = (RANDOM.normal(size=(500, 6)) * [5, 4, 3, 2, 1, 0.1]).astype(np.float32)
    axes = principal_axes(vectors, 4)
    assert np.allclose(axes.T @ axes, np.eye(4), atol=1e-5)
    assert np.all(np.diff((vectors @ axes).std(axis=0)) < 0)
