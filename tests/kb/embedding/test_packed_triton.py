"""The GPU's kernels do what torch's own steps do. Triton's interpreter runs them on the processor, number for number.

The interpreter is chosen when Triton is imported, so each test asks a process of its own.
"""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="`make kernels` brings Triton and runs these")

SETTING = """
import torch
from kb.embedding import packed_torch, packed_triton
torch.manual_seed(0)
lengths = [130, 64, 7, 1, 65, 3]
starts = torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()], dtype=torch.int32)
tokens, width, heads = sum(lengths), 96, 3
hidden = torch.randn(tokens, width)
norm = torch.nn.LayerNorm(width)
torch.nn.init.normal_(norm.weight)
torch.nn.init.normal_(norm.bias)
dense = torch.nn.Linear(2 * width, width)
wide = torch.randn(tokens, 2 * width)
joined = torch.randn(tokens, 3 * width)

class Embeddings(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings, self.position_embeddings, self.token_type_embeddings = (
            torch.nn.Embedding(count, width) for count in (50, 130, 2))
        self.LayerNorm = norm

embeddings = Embeddings()
ids = torch.randint(0, 50, (tokens,), dtype=torch.int32)
with torch.inference_mode():
    one, other = (CALL for steps in (packed_torch, packed_triton))
print(one.shape == other.shape, float((one - other).abs().max()))
"""


@pytest.mark.parametrize(
    "call",
    [
        "steps.embed(embeddings, ids, starts, 130)",
        "steps.attend(joined, starts, 130, heads)",
        "steps.add_norm(dense, wide, hidden, norm)",
        "steps.dense_gelu(dense, wide)",
        "steps.mean(hidden, starts)",
    ],
    ids=["embed", "attend", "add_norm", "dense_gelu", "mean"],
)
def test_a_kernel_does_what_torch_does(call: str) -> None:
    told = [sys.executable, "-c", SETTING.replace("CALL", call)]
    done = subprocess.run(told, capture_output=True, text=True, check=True, env={**os.environ, "TRITON_INTERPRET": "1"})
    shapes, apart = done.stdout.split()
    assert shapes == "True"
    assert float(apart) < 1e-5
