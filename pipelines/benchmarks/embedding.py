"""Embedding engines: how much faster than sentence-transformers are ours, and how near are their vectors?"""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Encoder, Vectors, load
from kb.embedding.equality import Equality, compare
from kb.embedding.int8 import calibration
from kb.settings import DEFAULT_MODEL
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, alternate

TIMED, COMPARED, DRAWN, ROUNDS, BATCH, MAX_TOKENS = 48, 256, 192, 1, 32, 256
PEER = f"sentence-transformers, fp32, batch {BATCH}"
OURS = {"torch": "ours, torch in its own choice of precision", "int8": "ours, OpenVINO int8"}
FP32 = "ours, torch fp32"
Encode = Callable[[list[str]], Vectors]


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Embed works of the starter library with every engine: drawn anew for each seed to time, once to compare vectors."""
    titles, summaries = _held_out()
    engines = arms()
    texts = [f"{title}. {summary}" for title, summary in zip(titles, summaries, strict=True)]
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for seed in seeds:
        drawn = [texts[number] for number in np.random.default_rng(seed).choice(len(texts), TIMED, replace=False)]
        for name, times in timed(engines, drawn).items():
            seconds[name].append(statistics.median(times))
        advance(1)
    vectors = embedded(engines, titles[:COMPARED], summaries[:COMPARED])
    draws = [np.random.default_rng(seed).choice(COMPARED, DRAWN, replace=False) for seed in seeds]
    return told(seconds, [equal(vectors, drawn) for drawn in draws], TIMED)


def arms() -> dict[str, Encode]:
    """Return what is compared, by name: the peer first."""
    from sentence_transformers import SentenceTransformer

    from kb.embedding.torch_engine import TorchEncoder
    from kb.embedding.weights import locate

    plain = TorchEncoder(DEFAULT_MODEL, max_tokens=MAX_TOKENS, device="cpu")
    plain.precision = "fp32"
    ours: dict[str, Encoder] = {
        OURS["torch"]: load(DEFAULT_MODEL, max_tokens=MAX_TOKENS, device="cpu"),
        OURS["int8"]: load(DEFAULT_MODEL, max_tokens=MAX_TOKENS, engine="openvino"),
    }
    peer = SentenceTransformer(locate(DEFAULT_MODEL)[0], device="cpu")
    peer.max_seq_length = MAX_TOKENS

    def encode(texts: list[str]) -> Vectors:
        return np.asarray(peer.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False), np.float32)

    return {PEER: encode, FP32: plain.encode, **{name: encoder.encode for name, encoder in ours.items()}}


def timed(engines: Mapping[str, Encode], texts: list[str], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds that each engine takes for the texts, once a round, in turn."""
    for encode in engines.values():
        encode(texts[:BATCH])  # what a first call prepares
    return alternate({name: partial(encode, texts) for name, encode in engines.items()}, rounds=rounds, warm_up=0)


def embedded(engines: Mapping[str, Encode], titles: list[str], texts: list[str]) -> dict[str, tuple[Vectors, Vectors]]:
    """Return the vectors of texts and of their titles, by engine."""
    return {name: (encode(texts), encode(titles)) for name, encode in engines.items()}


def equal(vectors: Mapping[str, tuple[Vectors, Vectors]], chosen: NDArray[np.int64]) -> dict[str, Equality]:
    """Compare the vectors of each engine with the first one's, on some of the texts."""
    parts = {name: (texts[chosen], titles[chosen]) for name, (texts, titles) in vectors.items()}
    reference = next(iter(parts.values()))
    return {name: compare(reference, found) for name, found in parts.items()}


def told(seconds: Mapping[str, list[float]], found: Sequence[Mapping[str, Equality]], texts: int) -> Measured:
    """Say what was measured."""

    def faster(arm: str) -> list[float]:
        return [base / one for base, one in zip(seconds[PEER], seconds[arm], strict=True)]

    def each(arm: str, name: str) -> list[float]:
        return [float(getattr(draw[arm], name)) for draw in found]

    def lost(arm: str) -> list[float]:
        return [draw[arm].mrr - draw[arm].mrr_reference for draw in found]

    def middle(name: str, digits: int) -> dict[str, str]:
        return {arm: f"{statistics.median(each(arm, name)):.{digits}f}" for arm in seconds}

    headlines = [
        Headline("speed int8", "speed", faster(OURS["int8"]), "times", PEER, 1.4,
                 "In int8, texts are embedded {} times as fast as by sentence-transformers in fp32."),
        Headline("speed torch", "speed", faster(OURS["torch"]), "times", PEER, 1.4,
                 "With torch in the precision that suits the processor, {} times as fast."),
        Headline("cosine int8", "quality", each(OURS["int8"], "mean_cosine"), "cosine", PEER, 0.005,
                 "The cosine between a text's int8 vector and its fp32 vector is {} on average."),
        Headline("overlap int8", "quality", each(OURS["int8"], "overlap"), "share", PEER, 0.03,
                 "Of a text's ten nearest neighbours {} (as a share) are the same."),
        Headline("reciprocal rank int8", "quality", lost(OURS["int8"]), "difference", PEER, 0.005,
                 "The mean reciprocal rank at which a title finds its summary changes by {}."),
        Headline("cosine torch", "quality", each(OURS["torch"], "mean_cosine"), "cosine", PEER, 0.001,
                 "With torch in the precision that suits the processor that cosine is {}."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[("texts a second", {arm: [texts / one for one in times] for arm, times in seconds.items()})],
        table={
            "texts/s": {arm: f"{texts / statistics.median(times):.1f}" for arm, times in seconds.items()},
            "times": {arm: f"{statistics.median(faster(arm)):.2f}" for arm in seconds},
            "mean cosine": middle("mean_cosine", 5),
            "worst": middle("worst_cosine", 5),
            "overlap@10": middle("overlap", 4),
            "MRR": middle("mrr", 4),
        },
        raw={"seconds": dict(seconds), "equality": [{arm: asdict(one) for arm, one in draw.items()} for draw in found]},
        seconds=dict(seconds),
    )


def _held_out() -> tuple[list[str], list[str]]:
    """Return titles and summaries of the starter library's works that int8's scales were not found with."""
    lines = (files("kb.data") / "starter.jsonl").read_text(encoding="utf-8").splitlines()
    works: list[dict[str, Any]] = [json.loads(line) for line in lines if line.strip()]
    seen = set(calibration(len(works)))
    kept = [work for number, work in enumerate(works) if number not in seen]
    return [work["title"] for work in kept], [work["summary"] for work in kept]


BENCHMARK = Benchmark(
    name="embedding",
    question="How much faster than sentence-transformers are this project's embedding engines, and how near are their vectors?",
    claim="On a CPU, int8 embeds several times as fast as fp32, and finds the same papers.",
    origin="Jacob et al., arXiv:1712.05877; Xiao et al., arXiv:2211.10438; Reimers and Gurevych, arXiv:1908.10084",
    protocol=(
        f"The default model embeds works of the starter library (title and summary, cut at {MAX_TOKENS} tokens), those that "
        f"int8's scales were not found with. For each seed {TIMED} of them are drawn and embedded by every engine in turn, "
        f"once. Of the vectors of {COMPARED} of them {DRAWN} are drawn for each seed and compared with those of the peer: "
        "cosine, the ten nearest other works, and the mean reciprocal rank at which a title finds its own summary among all."
    ),
    limits=(
        "Summaries are half as long as abstracts; tests/comparison/embedding.py measures on the abstracts of a knowledge base.",
        "A ratio belongs to a processor: without instructions for int8 products there is little to gain.",
        "GPUs are measured apart, by tests/comparison/embedding_gpu.py: on an H100 16 times (23 in a long run) the texts a "
        "second of sentence-transformers in fp16 at its best batch size, on 20,000 abstracts, 2026-11-26.",
    ),
    seconds_quick=60,
    run=measure,
    themes=("inference-efficiency/quantization", "evaluation/cost-latency"),
    papers={"arxiv:1712.05877": "", "arxiv:2211.10438": "", "arxiv:1908.10084": ""},
)
