"""The steps of a BERT network over packed tokens, as Triton kernels for a GPU; `packed_torch` tells what each one does.

Between two matrix products a GPU's memory is what limits, so each step reads and writes every number once. Attention is
that of Dao, "FlashAttention-2" (arXiv:2307.08691), with blocks that suit texts of a few hundred tokens and heads of 32.
Numbers are added up in float32. Triton comes with torch's builds for GPUs.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 4
"""Tokens that one program norms, or looks up."""
QUERIES, KEYS, WARPS = 128, 32, 4
"""Block sizes of attention: the best of eleven on an H100, where it takes 0.7 of the time of torch's flash attention."""
_LOG2E = 1.4426950408889634


def embed(embeddings: Any, ids: Tensor, starts: Tensor, longest: int) -> Tensor:
    words, places, kinds = (getattr(embeddings, f"{name}_embeddings").weight for name in ("word", "position", "token_type"))
    norm, width = embeddings.LayerNorm, words.shape[1]
    out = torch.empty((len(ids), width), dtype=words.dtype, device=ids.device)
    _embed[(len(starts) - 1, triton.cdiv(longest, 4 * ROWS))](
        ids, starts, words, places, kinds, norm.weight, norm.bias, out, norm.eps,
        width=width, block=triton.next_power_of_2(width), rows=4 * ROWS,
    )  # fmt: skip
    return out


def attend(joined: Tensor, starts: Tensor, longest: int, heads: int) -> Tensor:
    width = joined.shape[1] // 3
    head = width // heads
    out = torch.empty((len(joined), width), dtype=joined.dtype, device=joined.device)
    _attend[(len(starts) - 1, heads, triton.cdiv(longest, QUERIES))](
        joined, starts, out, _LOG2E / head**0.5,
        width=width, head=head, block=max(16, triton.next_power_of_2(head)), queries=QUERIES, keys=KEYS, num_warps=WARPS,
    )  # fmt: skip
    return out


def add_norm(dense: torch.nn.Linear, inner: Tensor, hidden: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    product = torch.nn.functional.linear(inner, dense.weight)  # the bias is added in the kernel, which costs nothing
    _add_norm[(triton.cdiv(len(hidden), ROWS),)](
        product, hidden, dense.bias, norm.weight, norm.bias, product, len(hidden), norm.eps,
        width=hidden.shape[1], block=triton.next_power_of_2(hidden.shape[1]), rows=ROWS,
    )  # fmt: skip
    return product


def dense_gelu(dense: torch.nn.Linear, hidden: Tensor) -> Tensor:
    # cuBLAS does both in one pass; its gelu is the usual approximation by tanh, off by less than half precision rounds
    return torch._addmm_activation(dense.bias, hidden, dense.weight.t(), use_gelu=True)


def mean(hidden: Tensor, starts: Tensor) -> Tensor:
    texts, width = len(starts) - 1, hidden.shape[1]
    out = torch.empty((texts, width), dtype=torch.float32, device=hidden.device)
    _mean[(texts,)](hidden, starts, out, width=width, block=triton.next_power_of_2(width), rows=4 * ROWS)
    return out


@triton.jit
def _norm(x, valid, column, weight, bias, eps, width: tl.constexpr):
    mean = tl.sum(x, 1)[:, None] / width
    apart = tl.where(valid, x - mean, 0.0)
    spread = tl.sum(apart * apart, 1)[:, None] / width
    scale = tl.load(weight + column, mask=column < width, other=0.0).to(tl.float32)
    shift = tl.load(bias + column, mask=column < width, other=0.0).to(tl.float32)
    return apart * tl.rsqrt(spread + eps) * scale + shift


@triton.jit
def _embed(
    ids, starts, words, places, kinds, weight, bias, out, eps, width: tl.constexpr, block: tl.constexpr, rows: tl.constexpr
):
    text = tl.program_id(0)
    start = tl.load(starts + text).to(tl.int64)
    length = tl.load(starts + text + 1) - start
    row = tl.program_id(1) * rows + tl.arange(0, rows)[:, None]
    if tl.program_id(1) * rows < length:
        column = tl.arange(0, block)[None, :]
        valid = (row < length) & (column < width)
        token = tl.load(ids + start + row, mask=row < length, other=0).to(tl.int64)
        x = tl.load(words + token * width + column, mask=valid, other=0.0).to(tl.float32)
        x += tl.load(places + row * width + column, mask=valid, other=0.0).to(tl.float32)
        x += tl.load(kinds + column, mask=column < width, other=0.0).to(tl.float32)
        y = _norm(x, valid, column, weight, bias, eps, width)
        tl.store(out + (start + row) * width + column, y.to(out.dtype.element_ty), mask=valid)


@triton.jit
def _add_norm(x, y, added, weight, bias, out, count, eps, width: tl.constexpr, block: tl.constexpr, rows: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * rows + tl.arange(0, rows)[:, None]
    column = tl.arange(0, block)[None, :]
    valid = (row < count) & (column < width)
    at = row * width + column
    total = tl.load(x + at, mask=valid, other=0.0).to(tl.float32) + tl.load(y + at, mask=valid, other=0.0).to(tl.float32)
    total += tl.load(added + column, mask=column < width, other=0.0).to(tl.float32)
    found = _norm(tl.where(valid, total, 0.0), valid, column, weight, bias, eps, width)
    tl.store(out + at, found.to(out.dtype.element_ty), mask=valid)


@triton.jit
def _attend(
    joined, starts, out, scale, width: tl.constexpr, head: tl.constexpr, block: tl.constexpr, queries: tl.constexpr,
    keys: tl.constexpr,
):  # fmt: skip
    start = tl.load(starts + tl.program_id(0)).to(tl.int64)
    length = tl.load(starts + tl.program_id(0) + 1) - start
    if tl.program_id(2) * queries < length:
        row = tl.program_id(2) * queries + tl.arange(0, queries)
        column = tl.arange(0, block)
        within = column < head
        base = joined + start * (3 * width) + tl.program_id(1) * head
        query = tl.load(
            base + row[:, None] * (3 * width) + column[None, :], mask=(row < length)[:, None] & within[None, :], other=0.0
        )
        highest = tl.full((queries,), float("-inf"), tl.float32)
        total = tl.zeros((queries,), tl.float32)
        mixed = tl.zeros((queries, block), tl.float32)
        for first in range(0, length, keys):
            other = first + tl.arange(0, keys)
            there = (other < length)[:, None] & within[None, :]
            at = other[:, None] * (3 * width) + column[None, :]
            key = tl.load(base + width + at, mask=there, other=0.0)
            value = tl.load(base + 2 * width + at, mask=there, other=0.0)
            score = tl.where((other < length)[None, :], tl.dot(query, tl.trans(key)) * scale, float("-inf"))
            higher = tl.maximum(highest, tl.max(score, 1))
            share = tl.exp2(score - higher[:, None])
            fade = tl.exp2(highest - higher)
            total = total * fade + tl.sum(share, 1)
            mixed = mixed * fade[:, None] + tl.dot(share.to(value.dtype), value)
            highest = higher
        mixed = mixed / total[:, None]
        tl.store(
            out + (start + row)[:, None] * width + tl.program_id(1) * head + column[None, :], mixed.to(out.dtype.element_ty),
            mask=(row < length)[:, None] & within[None, :],
        )  # fmt: skip


@triton.jit
def _mean(hidden, starts, out, width: tl.constexpr, block: tl.constexpr, rows: tl.constexpr):
    text = tl.program_id(0).to(tl.int64)
    start = tl.load(starts + text).to(tl.int64)
    length = tl.load(starts + text + 1) - start
    column = tl.arange(0, block)
    total = tl.zeros((rows, block), tl.float32)
    for first in range(0, length, rows):
        row = first + tl.arange(0, rows)[:, None]
        valid = (row < length) & (column < width)[None, :]
        total += tl.load(hidden + (start + row) * width + column[None, :], mask=valid, other=0.0).to(tl.float32)
    tl.store(out + text * width + column, tl.sum(total, 0) / length.to(tl.float32), mask=column < width)
