"""Which way of embedding is fastest on this GPU, and where does its time go? One run of under eight minutes; prints tables.

    python tests/comparison/embedding_gpu.py MODEL TEXTS [--out FILE.json] [--device cuda] [--minutes 7] [--papers 200000]

MODEL is a sentence-transformers folder (fp16 weights will do), TEXTS a file with one text a line, .gz or not. The peer is
`SentenceTransformer.encode` in the same precision, at the best of the batch sizes that are tried. With `--device cpu` and a few
texts the script can be tried where there is no GPU. FILE.json is a result as `kb bench` keeps them: named
`embedding--HARDWARE.json` in `pipelines/benchmarks/results` it is shown on the site.
"""

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from kb import embedding
from kb.embedding.cached_tokenizer import CachedTokenizer
from kb.embedding.equality import overlap
from kb.embedding.packed import PackedBert
from kb.embedding.packed_engine import GpuEncoder, PackedEncoder, batch_end, by_length, kernels, packed
from kb.embedding.tokenizer_pool import TokenizerPool
from kb.embedding.tokens import tokenize
from kb.embedding.torch_engine import TorchEncoder
from pipelines.benchmarks import harness
from pipelines.benchmarks.embedding import BENCHMARK
from pipelines.benchmarks.harness import Headline, Measured, alternate, quotients
from pipelines.benchmarks.machine import environment

MAX_TOKENS = 256
SWEPT = (32, 128, 512, 1_024, 2_048)
BUDGETS = (65_536, 131_072, 262_144)
COMPARED = 2_000
LONG = 10
"""How many times over the texts are embedded to see what a long run gives."""
ALL_OF_ARXIV = 2_900_000
RECOMPUTE = "python tests/comparison/embedding_gpu.py MODEL TEXTS"
Rows = list[dict[str, Any]]
Way = Callable[[list[str]], Any]


class Bench:
    """What every part of the run shares."""

    def __init__(self, told: argparse.Namespace) -> None:
        self.device, self.model, self.started, self.limit = told.device, told.model, time.monotonic(), 60 * told.minutes
        self.texts = read(told.texts)
        self.plain = TorchEncoder(told.model, max_tokens=MAX_TOKENS, device=told.device)
        self.packed = packed(self.plain)
        _, lengths = tokenize(self.plain.tokenizer, self.texts)
        self.tokens = int(lengths.sum())
        self.flops = float((lengths * per_token(self.plain.network, lengths)).sum())

    def left(self) -> float:
        """Seconds until the run must end."""
        return self.limit - (time.monotonic() - self.started)

    def wait(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()


def read(path: Path) -> list[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [line.strip() for line in file if line.strip()]


def per_token(model: Any, lengths: np.ndarray) -> np.ndarray:
    """Floating-point operations for one token of a text of each length: two for each weight of a layer, and attention."""
    bert = model[0].auto_model
    weights = sum(values.numel() for layer in bert.encoder.layer for values in layer.parameters() if values.dim() == 2)
    return 2 * weights + 4 * lengths * bert.config.hidden_size * bert.config.num_hidden_layers


def product_rate(bench: Bench) -> dict[str, float]:
    """Floating-point operations a second of plain products, large ones and those of the model's widest layer."""
    sizes = {"8192 cubed": (8_192,) * 3, "the model's widest": (131_072, 384, 1_536)}
    if bench.device == "cpu":
        sizes = {"1024 cubed": (1_024,) * 3}
    rates = {}
    for name, (rows, inner, columns) in sizes.items():
        one, other = (torch.randn(shape, device=bench.device).to(dtype(bench)) for shape in ((rows, inner), (inner, columns)))
        times = []
        for _ in range(13):
            bench.wait()
            start = time.perf_counter()
            for _ in range(8):
                one @ other
            bench.wait()
            times.append((time.perf_counter() - start) / 8)
        rates[name] = 2 * rows * inner * columns / statistics.median(times[3:])
    return rates


def dtype(bench: Bench) -> torch.dtype:
    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(bench.plain.precision, torch.float32)


def swept_peer(bench: Bench) -> tuple[Way, int]:
    """Return `encode` at its best batch size, found on a fifth of the texts."""
    peer = SentenceTransformer(bench.model, device=bench.device)
    peer.max_seq_length = MAX_TOKENS
    peer.to(dtype(bench))
    some = bench.texts[:: max(1, len(bench.texts) // 4_000)]

    def encode(texts: list[str], size: int) -> Any:
        return peer.encode(texts, batch_size=size, normalize_embeddings=True, show_progress_bar=False)

    encode(some[:256], 32)
    rates = {}
    for size in SWEPT:
        try:
            start = time.perf_counter()
            encode(some, size)
            rates[size] = len(some) / (time.perf_counter() - start)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
        if bench.left() < 0.75 * bench.limit:
            break
    print("peer by batch size, texts/s:", ", ".join(f"{size}: {rate:,.0f}" for size, rate in rates.items()))
    best = max(rates, key=rates.__getitem__)
    return partial(encode, size=best), best


def variants(bench: Bench) -> dict[str, Way]:
    """Return every way to embed texts, by name: padded, or packed with each kind of kernels and some budgets of tokens."""
    found: dict[str, Way] = {"padded": bench.plain.encode}
    if not isinstance(bench.packed, PackedEncoder):
        return found
    for steps in kernels():
        name = steps.__name__.rpartition("_")[2]
        for budget in BUDGETS if bench.device != "cpu" else (4_096,):
            encoder = PackedEncoder(bench.plain, PackedBert(bench.plain.network, steps))
            encoder.budget = budget
            found[f"packed ({name}), {budget:,} tokens"] = encoder.encode
    chosen = bench.packed.network.steps.__name__.rpartition("_")[2]
    print(f"the engine itself takes: packed ({chosen}), {bench.packed.budget:,} tokens")
    return found


def try_out(ways: dict[str, Way], bench: Bench) -> dict[str, Way]:
    """Run each way once, which prepares what there is to; leave out those that fail or that time forbids."""
    kept = {}
    for name, encode in ways.items():
        if bench.left() < 0.4 * bench.limit:
            print(f"{name}: left out, no time")
            continue
        start = time.perf_counter()
        try:
            encode(bench.texts)
            kept[name] = encode
            print(f"{name}: first call {time.perf_counter() - start:.1f} s")
        except Exception as error:  # each variant stands alone: what fails is told, and the others run
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:160]}")
    return kept


def timed(ways: dict[str, Way], bench: Bench) -> dict[str, list[float]]:
    """Time all ways in turn, as many rounds as fit."""
    calls = {name: partial(encode, bench.texts) for name, encode in ways.items()}
    start = time.perf_counter()
    seconds = alternate(calls, rounds=1, warm_up=0)
    taken = time.perf_counter() - start
    for _ in range(min(4, int((bench.left() - 60) / max(taken, 1e-9)))):
        for name, times in alternate(calls, rounds=1, warm_up=0).items():
            seconds[name] += times
    return seconds


def network_alone(bench: Bench) -> dict[str, float]:
    """Seconds that each network takes for all texts when their tokens lie on the device already, by kernels and budget."""
    tokenizer = CachedTokenizer(bench.plain.tokenizer.to_str(), MAX_TOKENS)
    order, numbers, starts = by_length(*tokenizer(bench.texts))
    ids, bounds = (torch.from_numpy(one.astype(np.int32)).to(bench.device) for one in (numbers, starts))
    found = {}
    for steps in kernels():
        network = PackedBert(bench.plain.network, steps)
        for budget in BUDGETS if bench.device != "cpu" else (4_096,):
            batches, start = [], 0
            while start < len(order):
                end = batch_end(starts, start, budget)
                one = ids[starts[start] : starts[end]].clone(), bounds[start : end + 1] - bounds[start]
                batches.append((*one, int(starts[start + 1] - starts[start])))
                start = end
            times = []
            with torch.inference_mode():
                for _ in range(6):
                    bench.wait()
                    began = time.perf_counter()
                    for batch in batches:
                        network(*batch)
                    bench.wait()
                    times.append(time.perf_counter() - began)
            found[f"network alone ({steps.__name__.rpartition('_')[2]}), {budget:,} tokens"] = statistics.median(times[1:])
    return found


def equality(bench: Bench, best: Way) -> dict[str, float]:
    """Compare with fp32, text by text and by neighbours."""
    peer = SentenceTransformer(bench.model, device=bench.device).float()
    peer.max_seq_length = MAX_TOKENS
    exact = np.asarray(peer.encode(bench.texts[:COMPARED], batch_size=256, normalize_embeddings=True, show_progress_bar=False))
    found = best(bench.texts)[:COMPARED]
    cosine = np.einsum("ij,ij->i", exact, found)
    return {"mean cosine": float(cosine.mean()), "worst": float(cosine.min()), "overlap@10": overlap(exact, found)}


def tokenizing(bench: Bench) -> dict[str, float]:
    """Texts a second of tokenizing alone: `tokenizers` on all cores, and the pool of processes that remember words."""
    start = time.perf_counter()
    tokenize(bench.plain.tokenizer, bench.texts)
    rates = {"tokenizers on all cores, texts/s": len(bench.texts) / (time.perf_counter() - start)}
    pool = TokenizerPool(bench.plain.tokenizer.to_str(), MAX_TOKENS)
    for _ in range(3):
        start = time.perf_counter()
        for _ in pool.tokenized(bench.texts):
            pass
        rates[f"{len(pool._processes)} processes that remember words, texts/s"] = len(bench.texts) / (time.perf_counter() - start)
    return rates


def through_the_store(bench: Bench, papers: int) -> dict[str, float]:
    """Embed papers as `kb refresh` does, out of a store and into it."""
    try:
        from embedding_growth import make

        from kb.store import Store
        from pipelines.refresh.embed import embed
    except ImportError as error:
        print(f"the store cannot be had here: {error}")
        return {}
    from kb.settings import Settings
    from pipelines.progress import Silent

    with tempfile.TemporaryDirectory() as folder:
        make(folder, papers, bench.texts)
        store = Store.write(folder)
        encoder = GpuEncoder(bench.plain)
        embedding.load_for_writing = lambda *_, **__: encoder  # type: ignore[assignment]
        start = time.perf_counter()
        embed(store, Settings(home=Path(folder), store_uri=folder), Silent())
        seconds = time.perf_counter() - start
        stored = len(store.embedded(encoder.key))
    assert stored == papers
    rate = papers / seconds
    return {f"{papers:,} papers, store to store: texts/s": rate, "all of arXiv at that rate, minutes": ALL_OF_ARXIV / rate / 60}


def profiled(bench: Bench, best: Way) -> Rows:
    """Return the kernels that take the most time, with their share."""
    kind = torch.profiler.ProfilerActivity.CPU if bench.device == "cpu" else torch.profiler.ProfilerActivity.CUDA
    with torch.profiler.profile(activities=[kind]) as told:
        best(bench.texts)
        bench.wait()
    spent = "self_cpu_time_total" if bench.device == "cpu" else "self_device_time_total"
    rows = sorted(told.key_averages(), key=lambda row: -getattr(row, spent))
    whole = sum(getattr(row, spent) for row in rows) or 1.0
    return [{"kernel": row.key[:90], "share": getattr(row, spent) / whole, "calls": row.count} for row in rows[:12]]


def main(told: argparse.Namespace) -> dict[str, Any]:
    bench = Bench(told)
    print(json.dumps(environment(bench.device)))
    print(f"{len(bench.texts):,} texts, {bench.tokens:,} tokens, {bench.plain.precision}")
    rates = product_rate(bench)
    peak = max(rates.values())
    print("products:", ", ".join(f"{name}: {rate / 1e12:.1f} TFLOP/s" for name, rate in rates.items()))
    found: dict[str, Any] = tokenizing(bench)
    peer, size = swept_peer(bench)
    ways = {f"encode, batch {size}": peer, **try_out(variants(bench), bench)}
    seconds = timed(ways, bench)
    base = statistics.median(next(iter(seconds.values())))
    name = min(list(seconds)[1:], key=lambda way: statistics.median(seconds[way]))
    start = time.perf_counter()
    ways[name](bench.texts * LONG)
    seconds[f"{name}, {LONG} times over"] = [(time.perf_counter() - start) / LONG]
    seconds |= {name: [one] for name, one in network_alone(bench).items()}
    rows: Rows = []
    print(f"{'':50} {'texts/s':>9} {'tokens/s':>12} {'times':>6} {'of peak':>8}")
    for way, times in seconds.items():
        one = statistics.median(times)
        rows.append({"way": way, "seconds": times, "times": base / one, "of_peak": bench.flops / one / peak})
        print(f"{way:50} {len(bench.texts) / one:9,.0f} {bench.tokens / one:12,.0f} {base / one:6.2f} {rows[-1]['of_peak']:8.1%}")
    found |= {"best": name, **equality(bench, ways[name]), **through_the_store(bench, told.papers)}
    for key, value in found.items():
        print(f"{key}: {value if isinstance(value, str) else f'{value:,.5g}'}")
    kernels = profiled(bench, ways[name])
    for row in kernels:
        print(f"{row['share']:7.1%} {row['calls']:6d} {row['kernel']}")
    return {
        "environment": environment(bench.device), "products": rates, "ways": rows, "found": found, "kernels": kernels,
        "texts": len(bench.texts), "tokens": bench.tokens, "seconds": time.monotonic() - bench.started,
    }  # fmt: skip


def record(told: dict[str, Any]) -> dict[str, Any]:
    """Return what `main` measured as a result of the benchmark `embedding`."""
    ways = {row["way"]: row for row in told["ways"]}
    peer, found = next(iter(ways)), told["found"]
    timed = {way: row["seconds"] for way, row in ways.items() if len(row["seconds"]) > 1}
    middle = {way: statistics.median(row["seconds"]) for way, row in ways.items()}
    rounds = len(timed[peer])

    def headline(name: str, way: str, sentence: str) -> Headline:
        return Headline(name, "speed", quotients(timed, peer, way), "times", peer, 1.4, sentence)

    measured = Measured(
        headlines=[
            headline("speed", found["best"], "On this GPU texts are embedded {} times as fast as by sentence-transformers."),
            headline(
                "speed, torch's kernels", next(way for way in ways if way.startswith("packed (torch)")),
                "With torch's own kernels between the products, {} times as fast.",
            ),
            headline("speed, padded", "padded", "With padding, {} times as fast."),
        ],
        charts=[("texts a second", {way: [told["texts"] / one for one in times] for way, times in timed.items()})],
        table={
            "texts/s": {way: f"{told['texts'] / one:,.0f}" for way, one in middle.items()},
            "tokens/s": {way: f"{told['tokens'] / one:,.0f}" for way, one in middle.items()},
            "times": {way: f"{row['times']:.2f}" for way, row in ways.items()},
            "of peak": {way: f"{row['of_peak']:.1%}" for way, row in ways.items()},
        },
        raw={name: told[name] for name in ("products", "found", "kernels")},
        seconds=timed,
    )  # fmt: skip
    benchmark = replace(
        BENCHMARK,
        origin="Dao, arXiv:2307.08691; Reimers and Gurevych, arXiv:1908.10084",
        claim="Without padding, a GPU embeds many times as fast, and finds the same papers.",
        protocol=(
            f"{told['texts']:,} abstracts ({told['tokens']:,} tokens; cut at {MAX_TOKENS}) are embedded by each way in turn, "
            f"{rounds} times: by sentence-transformers in the same precision at the best of {len(SWEPT)} batch sizes, and by "
            f"this project's engines. Rows timed once: a long run of the best way, the texts {LONG} times over, and the network "
            "alone, with tokens that lie on the GPU already. The share of the peak counts real tokens, against the fastest of "
            f"two matrix products in the same run ({max(told['products'].values()) / 1e12:.0f} million million operations a "
            f"second). Beside fp32 on {COMPARED:,} texts the cosine is {found['mean cosine']:.6f} on average, "
            f"{found['worst']:.6f} at worst, and {found['overlap@10']:.4f} (as a share) of the ten nearest are the same."
        ),
        limits=("The abstracts are real ones and do not come with the program.", "One card; several have not been tried."),
        papers={"arxiv:2307.08691": "", "arxiv:1908.10084": ""},
    )
    return harness.record(
        benchmark, measured, told["environment"], quick=False, seeds=rounds, seconds=told["seconds"], recompute=RECOMPUTE
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--papers", type=int, default=200_000)
    arguments = parser.parse_args()
    measured = main(arguments)
    if arguments.out:
        arguments.out.write_text(json.dumps(record(measured), indent=1) + "\n")
