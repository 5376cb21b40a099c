"""What commands start from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.context import Context


@pytest.mark.parametrize("allowed", [False, True])
def test_a_model_of_your_own_is_handed_out_only_on_your_word(
    tmp_path: Path, small_model: Callable[..., str], allowed: bool
) -> None:
    """Without it nothing packs the model, and so a copy that was packed while it was allowed is not looked for either."""
    lines = ["[embedding]", f"model = '{small_model()}'", "[site]", f"publish_model = {str(allowed).lower()}"]
    (tmp_path / "kb.toml").write_text("\n".join(lines), encoding="utf-8")
    assert (Context(tmp_path, None).portable is not None) == allowed
