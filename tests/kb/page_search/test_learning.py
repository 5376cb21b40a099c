"""What a table of word pieces is taught with."""

from kb.page_search.documents import Document
from kb.page_search.learning import ASKED, RUNS, questions


def paper(number: int, body: str = "we prune the weights of a network and train it again") -> Document:
    return Document(
        f"id{number}", f"key{number}", f"Pruning study number {number}", body, 2020, "", (), (), ("Pruning", "sparse nets")
    )


def test_titles_come_whole_and_in_parts_and_bodies_in_parts() -> None:
    asked = questions([paper(1), paper(2)])
    assert asked[:2] == ["Pruning study number 1", "Pruning study number 2"]
    assert all(part in title for part, title in zip(asked[2:4], asked[:2], strict=True))
    assert len(asked[4:-2]) == 2 * RUNS
    assert all(part in paper(1).body for part in asked[4:-2])
    assert asked[-2:] == ["pruning", "sparse nets"]


def test_many_papers_give_fewer_runs_each() -> None:
    count = ASKED
    asked = questions([paper(number) for number in range(count)])
    assert len(asked) == 3 * count + 2


def test_the_same_papers_give_the_same_questions_and_an_empty_body_gives_none() -> None:
    papers = [paper(1), paper(2, body=" ")]
    assert questions(papers) == questions(papers)
    assert len(questions(papers)) == 2 + 2 + RUNS + 2
