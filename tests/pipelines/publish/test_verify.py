"""A number changed on a built page is found and named; an untouched site is found right."""

import json
import re
import shutil
from pathlib import Path

import pytest

from kb import settings, taxonomy
from kb.errors import InvalidInput
from kb.store import Store
from pipelines.progress import Silent
from pipelines.publish import build_site
from pipelines.publish.verify import differences, verify_site


@pytest.fixture(scope="module")
def fresh(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "public"
    build_site(Store.read(settings.load(starter_home).store_uri), taxonomy.load(), [], out, Silent())
    return out


@pytest.fixture
def site(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh, tmp_path / "public"))


def check(home: Path, site: Path) -> dict[str, object]:
    return verify_site(Store.read(settings.load(home).store_uri), taxonomy.load(), [], site, Silent())


def edit(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def test_a_site_as_it_was_built_is_right_to_the_last_number(starter_home: Path, site: Path) -> None:
    found = check(starter_home, site)
    assert found["wrong"] == []
    assert int(str(found["checked"])) > 1_000


def test_one_digit_changed_by_hand_is_named_with_what_it_should_be(starter_home: Path, site: Path) -> None:
    page = site / "themes" / "generative-models" / "diffusion" / "index.html"
    edit(page, r"\b\d+ of the ", "999 of the ")
    wrong = check(starter_home, site)["wrong"]
    assert isinstance(wrong, list)
    assert len(wrong) == 1
    assert wrong[0].startswith("themes/generative-models/diffusion/index.html: shows “Diffusion models: 999 of the ")
    assert "the store gives “Diffusion models: " in wrong[0]


def test_a_number_in_a_table_and_one_in_a_tooltip_are_found(fresh: Path, site: Path) -> None:
    edit(site / "themes" / "index.html", r"(<td[^>]*>)\d+(?=</td>)", r"\g<1>12345")
    edit(site / "index.html", r'(content="[^"]*?)\d+', r"\g<1>98765")
    lines = list(differences(site, fresh))
    assert {line.split(":")[0] for line in lines} == {"index.html", "themes/index.html"}
    assert any("12345" in line for line in lines)


def test_a_chart_and_a_download_that_were_changed_are_found(fresh: Path, site: Path) -> None:
    chart = next(iter(sorted((site / "assets" / "charts").rglob("*.svg")) or sorted(site.rglob("*.svg"))))
    edit(chart, r'="M', '="M9')
    edit(site / "data" / "trends.csv", r"r0001", "r0007")
    names = {line.split(":")[0] for line in differences(site, fresh)}
    assert names == {chart.relative_to(site).as_posix(), "data/trends.csv"}


def test_a_page_that_is_gone_or_was_put_there_is_found(fresh: Path, site: Path) -> None:
    (site / "changes" / "index.html").unlink()
    (site / "claims.html").write_text("Diffusion rose by 900%", encoding="utf-8")
    assert list(differences(site, fresh)) == [
        "changes/index.html: missing on the site",
        "claims.html: on the site, but not made from the store",
    ]


def test_a_site_of_another_run_is_named_as_that(starter_home: Path, site: Path) -> None:
    marker = site / "papertide.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "run": "r0000"}), encoding="utf-8")
    (line,) = check(starter_home, site)["wrong"]  # type: ignore[misc]
    assert "run r0000" in line
    assert "kb site build" in line


def test_a_folder_without_a_site_is_refused(starter_home: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no site built by kb"):
        check(starter_home, tmp_path)
