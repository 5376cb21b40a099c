"""BERT without padding: the tokens of all texts of a batch lie one after the other, and attention stays within each text.

Padding costs as much as real tokens. Here every product runs over real tokens only, and attention goes through torch's
variable-length flash attention (Dao, "FlashAttention-2", arXiv:2307.08691; `torch.nn.attention.varlen`) on a GPU, through
one call for each text elsewhere. Query, key and value are one product. The weights are those of the model as loaded.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_POOLED = ("mean", "cls")


def packable(model: Any) -> bool:
    """Return whether a SentenceTransformer is a plain BERT encoder with mean or first-token pooling, as many are."""
    modules = list(model)
    names = [type(module).__name__ for module in modules]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return False
    bert, pooling = modules[0].auto_model, modules[1]
    return (
        type(bert).__name__ == "BertModel"
        and not bert.config.is_decoder
        and getattr(bert.config, "position_embedding_type", "absolute") in (None, "absolute")
        and bert.config.hidden_act == "gelu"
        and pooling.pooling_mode in _POOLED
        and pooling.include_prompt
    )


class PackedBert(torch.nn.Module):
    """The same network as a BertModel with its pooling, over packed tokens."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        bert = model[0].auto_model
        self.pooling = str(model[1].pooling_mode)
        self.heads = int(bert.config.num_attention_heads)
        self.embeddings = bert.embeddings
        self.layers = bert.encoder.layer
        attention = [layer.attention.self for layer in self.layers]
        self.joined = [
            tuple(
                torch.cat([getattr(part, kind).detach() for part in (one.query, one.key, one.value)])
                for kind in ("weight", "bias")
            )
            for one in attention
        ]

    def forward(self, ids: Tensor, positions: Tensor, starts: Tensor, owners: Tensor, longest: int) -> Tensor:
        """Return one vector a text, in float32, shape (texts, width).

        Args:
            ids: token numbers of all texts, shape (tokens,).
            positions: the place of each token within its text, shape (tokens,).
            starts: where each text begins in `ids`, and where the last one ends, int32, shape (texts + 1,).
            owners: the text that each token belongs to, shape (tokens,).
            longest: the most tokens that a text has.
        """
        known = self.embeddings
        hidden = known.word_embeddings(ids) + known.position_embeddings(positions) + known.token_type_embeddings.weight[0]
        hidden = known.LayerNorm(hidden)
        for layer, (weight, bias) in zip(self.layers, self.joined, strict=True):
            joined = functional.linear(hidden, weight, bias).view(len(ids), 3, self.heads, -1)
            query, key, value = joined.unbind(1)
            mixed = attend(query, key, value, starts, longest).flatten(1)
            hidden = layer.attention.output.LayerNorm(layer.attention.output.dense(mixed) + hidden)
            inner = functional.gelu(layer.intermediate.dense(hidden))
            hidden = layer.output.LayerNorm(layer.output.dense(inner) + hidden)
        return self._pool(hidden, starts, owners)

    def _pool(self, hidden: Tensor, starts: Tensor, owners: Tensor) -> Tensor:
        if self.pooling == "cls":
            return hidden[starts[:-1].long()].float()
        count = starts.diff().unsqueeze(1)
        sums = torch.zeros((len(count), hidden.shape[1]), dtype=torch.float32, device=hidden.device)
        return sums.index_add_(0, owners, hidden.float()) / count


def attend(query: Tensor, key: Tensor, value: Tensor, starts: Tensor, longest: int) -> Tensor:
    """Return attention within each text: query, key, value and result are (tokens, heads, width of a head)."""
    if query.is_cuda:
        from torch.nn.attention.varlen import varlen_attn  # only on a GPU: it needs its kernels

        mixed = varlen_attn(query, key, value, starts, starts, longest, longest)
        return mixed if isinstance(mixed, Tensor) else mixed[0]
    sizes = starts.diff().tolist()
    parts = zip(*(torch.split(whole, sizes) for whole in (query, key, value)), strict=True)
    return torch.cat(
        [functional.scaled_dot_product_attention(*(part.transpose(0, 1) for part in text)).transpose(0, 1) for text in parts]
    )


def pack(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
    """Return the arguments of `PackedBert.forward` for some texts' token numbers, on the CPU."""
    sizes = np.array([len(row) for row in rows])
    starts = np.concatenate([[0], sizes.cumsum()])
    owners = np.repeat(np.arange(len(rows)), sizes)
    positions = np.arange(starts[-1]) - starts[owners]
    ids = np.concatenate([np.asarray(row, np.int64) for row in rows])
    found = (torch.from_numpy(one.astype(np.int64)) for one in (ids, positions, starts, owners))
    ids_, positions_, starts_, owners_ = found
    return ids_, positions_, starts_.to(torch.int32), owners_, int(sizes.max())
