"""BERT without padding: the tokens of all texts of a batch lie one after the other, and attention stays within each text.

Padding costs as much as real tokens. Here every product runs over real tokens only, query, key and value are one product, and
what lies between products is done by `packed_triton` on a GPU that can, by `packed_torch` elsewhere. The weights are those of
the model as loaded.
"""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kb.embedding import packed_torch

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
    """The same network as a BertModel with its pooling, over packed tokens.

    Args:
        model: a SentenceTransformer that is `packable`.
        steps: what does the steps between products, `packed_torch` or `packed_triton`.
    """

    def __init__(self, model: Any, steps: ModuleType = packed_torch) -> None:
        super().__init__()
        bert = model[0].auto_model
        self.steps = steps
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

    def forward(self, ids: Tensor, starts: Tensor, longest: int) -> Tensor:
        """Return one vector a text, in float32, shape (texts, width).

        Args:
            ids: token numbers of all texts, int32, shape (tokens,).
            starts: where each text begins in `ids`, and where the last one ends, int32, shape (texts + 1,).
            longest: the most tokens that a text has.
        """
        steps = self.steps
        hidden: Tensor = steps.embed(self.embeddings, ids, starts, longest)
        for layer, (weight, bias) in zip(self.layers, self.joined, strict=True):
            mixed = steps.attend(functional.linear(hidden, weight, bias), starts, longest, self.heads)
            out = layer.attention.output
            hidden = steps.add_norm(out.dense, mixed, hidden, out.LayerNorm)
            inner = steps.dense_gelu(layer.intermediate.dense, hidden)
            hidden = steps.add_norm(layer.output.dense, inner, hidden, layer.output.LayerNorm)
        if self.pooling == "cls":
            return hidden[starts[:-1].long()].float()
        pooled: Tensor = steps.mean(hidden, starts)
        return pooled
