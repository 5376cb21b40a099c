"""Memory against speed: what do batch size, activation checkpointing and a cache of keys and values trade for what?"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, alternate, column, over_seeds, quotients
from pipelines.benchmarks.machine import device, one_thread, stopwatch, tensor_megabytes

DEPTH, WIDTH, HEADS, WORDS = 4, 128, 4, 96
"""Of the small decoder; words are numbers below `WORDS`."""
PROMPT, NEW, TRAINED, BATCHES = 64, 64, 128, (1, 16)
PLAIN, CHECKPOINTED = "training, activations kept", "training, activations computed again"
NO_CACHE, CACHE, INT8 = "writing, no cache", "writing, cache", "writing, cache in int8"
Cache = list[tuple[Any, Any]]
"""Of each layer the keys and values so far, each of shape (batch, heads, words, width of a head)."""


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Train steps and write words with a small decoder in each way; times in turn, memory counted tensor by tensor."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    import torch

    torch.manual_seed(seed)
    model = decoder().to(device())
    some = torch.randint(0, WORDS, (max(BATCHES), TRAINED + 1)).to(device())
    prompt = some[:1, :PROMPT]
    cached = write(model, prompt, CACHE)
    arms: dict[str, Callable[[], object]] = {
        PLAIN: lambda: train_step(model, some[:8]),
        CHECKPOINTED: lambda: train_step(model, some[:8], checkpointed=True),
        NO_CACHE: lambda: write(model, prompt, NO_CACHE),
        CACHE: lambda: write(model, prompt, CACHE),
        INT8: lambda: write(model, prompt, INT8),
    }
    for size in BATCHES:
        arms[f"writing, cache, batch {size}"] = partial(write, model, some[:size, :PROMPT], CACHE)
        arms[f"scoring, batch {size}"] = partial(scored, model, some[:size, :-1])
    timed = alternate(arms, rounds=3, warm_up=1, budget=8.0, clock=stopwatch)
    seconds = {arm: statistics.median(values) for arm, values in timed.items()}
    for size in BATCHES:
        for work in ("writing, cache", "scoring"):
            seconds[f"{work}, batch {size}"] /= size  # of one text
    return {
        "seconds": seconds,
        "megabytes": {arm: tensor_megabytes(call) for arm, call in arms.items()},
        "same words": {arm: float((write(model, prompt, arm) == cached).float().mean()) for arm in (NO_CACHE, INT8)},
        "cache": {arm: _cache_megabytes(model, prompt, arm) for arm in (CACHE, INT8)},
    }


def decoder() -> Any:
    """Return an untrained decoder: embeddings, and layers of attention and a perceptron with norms before them."""
    from torch import nn

    def layer() -> Any:
        return nn.ModuleDict(
            {
                "first": nn.LayerNorm(WIDTH), "attend": nn.Linear(WIDTH, 3 * WIDTH), "out": nn.Linear(WIDTH, WIDTH),
                "second": nn.LayerNorm(WIDTH),
                "think": nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)),
            }
        )  # fmt: skip

    parts = {"words": nn.Embedding(WORDS, WIDTH), "places": nn.Embedding(PROMPT + NEW + TRAINED, WIDTH)}
    return nn.ModuleDict(parts | {"layers": nn.ModuleList(layer() for _ in range(DEPTH)), "norm": nn.LayerNorm(WIDTH)})


def _layer(layer: Any, x: Any, past: tuple[Any, Any] | None = None) -> tuple[Any, tuple[Any, Any]]:
    """Return the layer's output for the newest words, and the keys and values of all words so far."""
    import torch

    batch, count, _ = x.shape
    asked, keys, values = (
        part.view(batch, count, HEADS, -1).transpose(1, 2) for part in layer["attend"](layer["first"](x)).chunk(3, dim=2)
    )
    if past is not None:
        keys, values = torch.cat([past[0], keys], dim=2), torch.cat([past[1], values], dim=2)
    seen = torch.nn.functional.scaled_dot_product_attention(asked, keys, values, is_causal=past is None)
    x = x + layer["out"](seen.transpose(1, 2).reshape(batch, count, WIDTH))
    return x + layer["think"](layer["second"](x)), (keys, values)


def scores(model: Any, words: Any, past: Cache | None = None, *, checkpointed: bool = False) -> tuple[Any, Cache]:
    """Return scores of the next word after each of `words`, and the cache that continues `past`."""
    import torch
    from torch.utils.checkpoint import checkpoint

    begun = past[0][0].shape[2] if past else 0
    x = model["words"](words) + model["places"](begun + torch.arange(words.shape[1], device=words.device))
    cache: Cache = []
    for number, layer in enumerate(model["layers"]):
        if checkpointed:
            x = checkpoint(lambda x, layer=layer: _layer(layer, x)[0], x, use_reentrant=False)
        else:
            x, kept = _layer(layer, x, past[number] if past else None)
            cache.append(kept)
    return model["norm"](x) @ model["words"].weight.t(), cache


def scored(model: Any, words: Any) -> Any:
    """Return the scores alone, without what training would need."""
    import torch

    with torch.inference_mode():
        return scores(model, words)[0]


def train_step(model: Any, words: Any, *, checkpointed: bool = False) -> None:
    """Compute gradients of telling each next word; with checkpoints, activations are thrown away and computed again.

    Chen et al., "Training deep nets with sublinear memory cost", 2016.
    """
    import torch

    model.zero_grad()
    told, _ = scores(model, words[:, :-1], checkpointed=checkpointed)
    torch.nn.functional.cross_entropy(told.flatten(0, 1), words[:, 1:].flatten()).backward()  # type: ignore[no-untyped-call]


def write(model: Any, prompt: Any, arm: str) -> Any:
    """Write `NEW` words after the prompt, each the likeliest; return them all, shape (batch, words)."""
    import torch

    words, cache, kept = prompt, None, None
    with torch.inference_mode():
        for _ in range(NEW):
            if arm == INT8 and kept is not None:
                cache = [(restored(keys), restored(values)) for keys, values in kept]
            told, cache = scores(model, words if cache is None else words[:, -1:], cache)
            kept = _kept(cache, kept) if arm == INT8 else None
            words = torch.cat([words, told[:, -1:].argmax(2)], dim=1)
            if arm != CACHE:
                cache = None
    return words


def rounded(values: Any) -> tuple[Any, Any]:
    """Round to int8 with a scale for each word and head; return (integers, scales)."""
    import torch

    scale = values.abs().amax(dim=-1, keepdim=True).clamp_min(1e-8) / 127
    return (values / scale).round().to(torch.int8), scale


def restored(kept: tuple[Any, Any]) -> Any:
    """Return floating-point numbers again."""
    return kept[0] * kept[1]


def _kept(cache: Cache, before: list[tuple[Any, Any]] | None) -> list[tuple[Any, Any]]:
    """Round what is new in the cache and put it behind what is kept already, so that nothing is rounded twice."""
    import torch

    def joined(values: Any, old: Any) -> Any:
        if old is None:
            return rounded(values)
        return tuple(torch.cat(pair, dim=2) for pair in zip(old, rounded(values[:, :, old[0].shape[2] :]), strict=True))

    olds = before or [(None, None)] * len(cache)
    return [(joined(keys, old[0]), joined(values, old[1])) for (keys, values), old in zip(cache, olds, strict=True)]


def _cache_megabytes(model: Any, prompt: Any, arm: str) -> float:
    import torch

    with torch.inference_mode():
        pairs = [part for pair in scores(model, prompt)[1] for part in pair]
    held: list[Any] = [one for part in pairs for one in rounded(part)] if arm == INT8 else pairs
    return sum(int(one.nbytes) for one in held) / 1e6


def _told(scores: Scores) -> Measured:
    seconds, megabytes, most = scores["seconds"], scores["megabytes"], BATCHES[-1]
    headlines = [
        Headline("checkpoint memory", "size", quotients(megabytes, PLAIN, CHECKPOINTED), "times", PLAIN, 1.05,
                 "Computing activations again takes {} times less memory in training."),
        Headline("checkpoint speed", "speed", quotients(seconds, PLAIN, CHECKPOINTED), "times", PLAIN, 1.4,
                 "A step of training then runs {} times as fast."),
        Headline("cache speed", "speed", quotients(seconds, NO_CACHE, CACHE), "times", NO_CACHE, 1.6,
                 f"With a cache of keys and values {NEW} words are written {{}} times as fast."),
        Headline("cache in int8", "size", quotients(scores["cache"], CACHE, INT8), "times", CACHE, 1.02,
                 "In int8 the cache is {} times smaller."),
        Headline("speed in int8", "speed", quotients(seconds, CACHE, INT8), "times", CACHE, 1.4,
                 "Writing with it is {} times as fast: where the cache is small, rounding costs more than it saves.", True),
        Headline("batch speed", "speed", quotients(seconds, "writing, cache, batch 1", f"writing, cache, batch {most}"), "times",
                 "batch 1", 1.4, f"In batches of {most} a text is written {{}} times as fast as alone."),
        Headline("batch memory", "size", quotients(megabytes, f"writing, cache, batch {most}", "writing, cache, batch 1"),
                 "times", "batch 1", 1.05, "That takes {} times the memory."),
        Headline("scoring batch speed", "speed", quotients(seconds, "scoring, batch 1", f"scoring, batch {most}"), "times",
                 "batch 1", 1.8,
                 f"Where all words of a text are known and scored at once, batches of {most} run {{}} times as fast as "
                 "single texts: one text keeps the processor busy.", True),
    ]  # fmt: skip
    milliseconds = {arm: [1e3 * one for one in values] for arm, values in seconds.items()}
    return Measured(
        headlines=headlines,
        charts=[("megabytes held by tensors", megabytes), ("milliseconds", milliseconds)],
        table={
            "MB": column(megabytes, "{:.2f}"),
            "ms": column(milliseconds, "{:.2f}"),
            "same words, %": column(scores["same words"], "{:.0f}", 100),
            "cache, MB": column(scores["cache"], "{:.3f}"),
        },
        raw=scores,
        seconds=seconds,
    )


BENCHMARK = Benchmark(
    name="memory-speed",
    question="What do batches, recomputed activations and a cache of keys and values trade for what?",
    claim="Memory can be bought with time and time with memory, at good rates.",
    origin="Chen et al., arXiv:1604.06174; Shazeer, arXiv:1911.02150",
    protocol=(
        f"An untrained decoder of {DEPTH} layers of width {WIDTH} computes gradients on eight texts of {TRAINED} words, scores "
        f"texts in batches of 1 to {BATCHES[-1]}, and writes {NEW} words after {PROMPT}, greedily, alone and in batches. Times "
        "are medians of rounds in turn; memory is the most that tensors made in a call hold at one time, beside the weights. "
        "The int8 cache has a scale for each word and head and is restored before use. "
        "All on one thread, timed by what the processor works."
    ),
    limits=(
        "Small and untrained: times and memory are those of its shape, the words mean nothing.",
        "A long context moves more of the cost into the cache; kernels that read int8 straight save what is lost here.",
    ),
    seconds_quick=35,
    run=measure,
    gpu=True,
    clock=stopwatch,
    seeds=5,
    seeds_quick=2,
    themes=("inference-efficiency/memory-speed", "generative-models/transformers-attention"),
    papers={
        "arxiv:1604.06174": "Memory that grows with the root of the depth, for one further forward pass: a net of 1,000 "
        "layers in 7 in place of 48 GB.",
        "arxiv:2309.06180": "",
    },
)  # fmt: skip
