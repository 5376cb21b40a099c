"""An old link to a cluster leads to where its papers are now."""

from pathlib import Path

import pytest

from kb.store import Store
from pipelines.publish import lineage

TOLD = dict.fromkeys(("finished", "fingerprint", "model", "weights", "version", "settings", "counts", "sources"), "")
Event = tuple[str, str, str, str]
Row = dict[str, object]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def cluster(name: str, level: str = "middle", parent: str = "", size: int = 10) -> Row:
    return {
        "id": name, "label": f"About {name}", "terms": [], "size": size, "exemplars": ["arxiv:2301.00001"], "centroid": [],
        "mean": [], "first_run": "r0001", "level": level, "parent": parent, "found_label": "", "weak_below": 0.0,
    }  # fmt: skip


def state(uri: str, living: list[Row], history: list[Event], levels: list[Row] | None = None) -> Store:
    """A store with these clusters, and this history of (run, cluster, event, successor)."""
    store = Store.write(uri)
    store.replace("clusters", living)
    store.replace("cluster_levels", levels or [])
    rows = [
        {"run": run, "cluster": name, "event": event, "parents": [], "size": 1, "successor": heir}
        for run, name, event, heir in history
    ]
    store.replace("cluster_history", rows)
    store.commit({**TOLD, "id": "r0009"})
    return Store.read(uri)


def test_a_faded_cluster_leads_to_the_one_that_holds_most_of_its_papers(uri: str) -> None:
    history = [("r1", "c0001", "born", ""), ("r1", "c0002", "born", ""), ("r2", "c0001", "faded", "c0002")]
    assert lineage.moved(state(uri, [cluster("c0002")], history)) == {"c0001": "c0002"}


def test_the_heir_of_an_heir_inherits(uri: str) -> None:
    history = [("r2", "c0001", "faded", "c0002"), ("r3", "c0002", "faded", "c0003"), ("r3", "c0003", "born", "")]
    assert lineage.moved(state(uri, [cluster("c0003")], history)) == {"c0001": "c0003", "c0002": "c0003"}


def test_a_cluster_whose_papers_went_nowhere_leads_nowhere(uri: str) -> None:
    assert lineage.moved(state(uri, [cluster("c0002")], [("r2", "c0001", "faded", "")])) == {"c0001": ""}


def test_heirs_in_a_circle_lead_nowhere_and_do_not_hang(uri: str) -> None:
    history = [("r2", "c0001", "faded", "c0002"), ("r3", "c0002", "faded", "c0001")]
    assert lineage.moved(state(uri, [cluster("c0003")], history)) == {"c0001": "", "c0002": ""}


def test_a_living_cluster_and_other_levels_have_no_redirect(uri: str) -> None:
    history = [("r1", "c0001", "born", ""), ("r2", "b0001", "faded", "b0002"), ("r2", "n0001", "faded", "")]
    assert lineage.moved(state(uri, [cluster("c0001")], history)) == {}


def test_a_cluster_knows_the_broad_one_above_it_and_the_narrow_ones_below_it_largest_first(uri: str) -> None:
    levels = [
        cluster("b0001", "broad"), cluster("n0001", "narrow", "c0001", 3), cluster("n0002", "narrow", "c0001", 7),
        cluster("n0003", "narrow", "c0002", 9),
    ]  # fmt: skip
    broad, finer = lineage.levels(state(uri, [cluster("c0001", parent="b0001")], [], levels))
    assert broad["cluster:c0001"].name == "About b0001"
    assert [level.id for level in finer["cluster:c0001"]] == ["n0002", "n0001"]
