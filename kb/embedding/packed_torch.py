"""The steps of a BERT network over packed tokens, by torch alone; `packed_triton` has the same ones for a GPU."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def embed(embeddings: Any, ids: Tensor, starts: Tensor, longest: int) -> Tensor:
    """Return the vectors of tokens at their places, (tokens, width); `longest` is the most tokens that a text has."""
    words, places, kinds = (getattr(embeddings, f"{name}_embeddings") for name in ("word", "position", "token_type"))
    positions = torch.arange(len(ids), device=ids.device) - starts[owners(starts, len(ids))]
    hidden: Tensor = embeddings.LayerNorm(words(ids) + places(positions) + kinds.weight[0])
    return hidden


def attend(joined: Tensor, starts: Tensor, longest: int, heads: int) -> Tensor:
    """Return attention within each text, (tokens, width); query, key and value lie side by side in `joined`.

    On a GPU by torch's variable-length flash attention (Dao, "FlashAttention-2", arXiv:2307.08691).
    """
    query, key, value = joined.view(len(joined), 3, heads, -1).unbind(1)
    if joined.is_cuda:
        from torch.nn.attention.varlen import varlen_attn  # only on a GPU: it needs its kernels

        found = varlen_attn(query, key, value, starts, starts, longest, longest)
        return (found if isinstance(found, Tensor) else found[0]).flatten(1)
    sizes = starts.diff().tolist()
    parts = zip(*(torch.split(whole, sizes) for whole in (query, key, value)), strict=True)
    mixed = [functional.scaled_dot_product_attention(*(part.transpose(0, 1) for part in text)).transpose(0, 1) for text in parts]
    return torch.cat(mixed).flatten(1)


def add_norm(dense: torch.nn.Linear, inner: Tensor, hidden: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    """Return norm(dense(inner) + hidden), (tokens, width)."""
    found: Tensor = norm(dense(inner) + hidden)
    return found


def dense_gelu(dense: torch.nn.Linear, hidden: Tensor) -> Tensor:
    """Return gelu(dense(hidden)), (tokens, inner width)."""
    return functional.gelu(dense(hidden))


def mean(hidden: Tensor, starts: Tensor) -> Tensor:
    """Return the mean vector of each text in float32, (texts, width)."""
    count = starts.diff().unsqueeze(1)
    sums = torch.zeros((len(count), hidden.shape[1]), dtype=torch.float32, device=hidden.device)
    return sums.index_add_(0, owners(starts, len(hidden)), hidden.float()) / count


def owners(starts: Tensor, tokens: int) -> Tensor:
    """Return the text that each token belongs to, (tokens,)."""
    texts = torch.arange(len(starts) - 1, device=starts.device)
    return torch.repeat_interleave(texts, starts.diff(), output_size=tokens)
