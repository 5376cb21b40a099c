"""Settings: where a knowledge base is looked for, and what kb.toml may say."""

import tomllib
from pathlib import Path

import pytest

from kb import settings
from kb.errors import SettingsError
from pipelines.sources import SOURCES


def write(home: Path, text: str) -> Path:
    (home / "kb.toml").write_text(text, encoding="utf-8")
    return home


def test_a_given_home_wins_over_the_environment(tmp_path: Path) -> None:
    assert settings.find_home(tmp_path / "a", {"KB_HOME": str(tmp_path / "b")}) == tmp_path / "a"


def test_the_environment_wins_over_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "")
    assert settings.find_home(None, {"KB_HOME": str(tmp_path / "b")}, tmp_path) == tmp_path / "b"


def test_the_nearest_settings_file_upwards_is_found(tmp_path: Path) -> None:
    write(tmp_path, "")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    assert settings.find_home(None, {}, tmp_path / "deep" / "er") == tmp_path


def test_a_folder_without_settings_has_the_defaults(tmp_path: Path) -> None:
    told = settings.load(tmp_path, {})
    assert (told.model, told.max_tokens, dict(told.sources)) == (settings.DEFAULT_MODEL, 256, {"starter": {}})
    assert told.store_uri == str(tmp_path / "store")


def test_an_object_store_is_left_as_it_is(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, '[store]\nuri = "s3://bucket/kb"'), {}).store_uri == "s3://bucket/kb"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    write(tmp_path, '[embedding]\nmodel = "one"')
    told = settings.load(tmp_path, {"KB_MODEL": "two", "KB_STORE_URI": "elsewhere"})
    assert (told.model, told.store_uri) == ("two", str(tmp_path / "elsewhere"))


def test_the_template_says_the_defaults(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, settings.TEMPLATE), {}) == settings.load(tmp_path / "empty", {}).__class__(
        home=tmp_path, store_uri=str(tmp_path / "store")
    )


def test_the_commented_lines_of_the_template_are_accepted_too(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") if line.startswith("# ") and ("=" in line or "[" in line) else line
             for line in settings.TEMPLATE.splitlines()]  # fmt: skip
    text = "\n".join(line for line in lines if not line.startswith(("Papertide's", "The sources")))
    tomllib.loads(text)
    (tmp_path / "taxonomy.toml").write_text("", encoding="utf-8")
    assert set(settings.load(write(tmp_path, text), {}).sources) == set(SOURCES)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[embedding", "not valid TOML"),
        ("[embeding]", "embeding"),
        ('[embedding]\nmodle = "x"', "modle"),
        ("[embedding]\nmodel = 3", "must be str"),
        ("[embedding]\nmax_tokens = true", "must be int"),
        ("[embedding]\nmax_tokens = 1", "max_tokens"),
        ('embedding = "x"', "must be a table"),
        ('[embedding]\nengine = "abacus"', "One of auto, torch, openvino"),
        ("[embedding]\ndimensions = 0", "Use 1 or more"),
        ('[embedding]\nprompts = { question = "q: " }', "As in prompts"),
        ("[embedding]\nprompts = { query = 1 }", "As in prompts"),
        ('[merging]\nkeep_apart = ["a"]', "pairs"),
        ("sources = 3", "tables"),
    ],
)
def test_what_the_file_must_not_say_is_named(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        settings.load(write(tmp_path, text), {})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not valid TOML"):
        settings.load(tmp_path, {})


def test_engine_dimensions_and_prompts_of_the_embedding_are_read(tmp_path: Path) -> None:
    write(tmp_path, '[embedding]\nengine = "openvino"\ndimensions = 128\nprompts = { query = "query: " }')
    told = settings.load(tmp_path, {})
    assert (told.engine, told.dimensions, told.prompts) == ("openvino", 128, {"query": "query: "})
    assert settings.load(tmp_path, {"KB_ENGINE": "torch"}).engine == "torch"
