"""One expert and the gates (papers/entityclip sections 5.2 and 5.3)."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.methods.entityclip.experts import ExpertBank, gated


def whole_block(bank: ExpertBank, at: int, x: Tensor, y: Tensor, keep: Tensor | None) -> Tensor:
    """Expert `at` as section 5.2 writes it, over all rows of x, with torch's own attention."""
    width = x.shape[-1]
    attention = nn.MultiheadAttention(width, 1, batch_first=True)
    with torch.no_grad():
        attention.in_proj_weight.copy_(bank.in_weight[at])
        attention.in_proj_bias.copy_(bank.in_bias[at])
        attention.out_proj.weight.copy_(bank.out_weight[at])
        attention.out_proj.bias.copy_(bank.out_bias[at])

    def norm1(z: Tensor) -> Tensor:
        return F.layer_norm(z, (width,), bank.norm1_weight[at], bank.norm1_bias[at])

    q, k = norm1(x), norm1(y)
    x = x + attention(q, k, k, key_padding_mask=None if keep is None else ~keep)[0]
    z = F.layer_norm(x, (width,), bank.norm2_weight[at], bank.norm2_bias[at])
    z = F.linear(z, bank.wide_weight[at], bank.wide_bias[at])
    z = z * torch.sigmoid(1.702 * z)
    return x + F.linear(z, bank.narrow_weight[at], bank.narrow_bias[at])


def stirred(count: int, width: int) -> ExpertBank:
    """A bank whose norms and biases are not at their start."""
    torch.manual_seed(0)
    bank = ExpertBank(count, width)
    with torch.no_grad():
        for parameter in bank.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return bank


@pytest.mark.parametrize("masked", [False, True])
def test_one_query_gives_what_the_whole_block_gives(masked: bool) -> None:
    bank, (x, y) = stirred(3, 8), torch.randn(2, 5, 6, 8)
    keep = torch.arange(6) < torch.tensor([[1], [3], [6], [2], [5]]) if masked else None
    found = bank(x[:, 0], y, keep)
    assert found.shape == (5, 3, 8)
    for at in range(3):
        expected = whole_block(bank, at, x, y, keep)[:, 0]
        assert torch.allclose(found[:, at], expected, atol=1e-5)


def test_one_context_for_all_is_the_same_as_one_for_each() -> None:
    bank, x, y = stirred(2, 8), torch.randn(4, 8), torch.randn(1, 6, 8)
    keep = torch.arange(6)[None] < 4
    each = bank(x, y.expand(4, -1, -1), keep.expand(4, -1))
    assert torch.allclose(bank(x, y, keep), each, atol=1e-6)


def plain_expert() -> ExpertBank:
    """Two dimensions, every projection the identity, no MLP."""
    bank = ExpertBank(1, 2)
    with torch.no_grad():
        for parameter in bank.parameters():
            parameter.zero_()
        bank.norm1_weight.fill_(1)
        bank.in_weight[0] = torch.eye(2).repeat(3, 1)
        bank.out_weight[0] = torch.eye(2)
    return bank


def test_an_expert_by_hand() -> None:
    # LN(3, 1) = (1, -1) asks; LN(2, 0) = (1, -1) and LN(0, 2) = (-1, 1) answer with logits
    # 2 / sqrt 2 and -2 / sqrt 2, so the first gets s = 1 / (1 + exp(-2 sqrt 2)) of the attention
    # and the token moves by (2 s - 1) (1, -1).
    x, y = torch.tensor([[3.0, 1.0]]), torch.tensor([[[2.0, 0.0], [0.0, 2.0]]])
    moved = 2 / (1 + math.exp(-2 * math.sqrt(2))) - 1
    got = plain_expert()(x, y)[0, 0].tolist()
    assert got == pytest.approx([3 + moved, 1 - moved], abs=1e-4)
    # With the second token masked all of it is the first.
    got = plain_expert()(x, y, torch.tensor([[True, False]]))[0, 0].tolist()
    assert got == pytest.approx([4, 0], abs=1e-4)


def test_an_expert_has_as_many_parameters_as_published() -> None:
    for count, width in ((1, 8), (4, 16)):
        bank = ExpertBank(count, width)
        total = sum(parameter.numel() for parameter in bank.parameters())
        assert total == count * (12 * width**2 + 13 * width)


def test_attention_sums_to_one_and_skips_what_is_masked() -> None:
    bank, keep = stirred(3, 8), torch.tensor([[True, True, False, False]])
    weights = bank.attention(torch.randn(2, 8), torch.randn(2, 4, 8), keep)
    assert weights.shape == (2, 3, 4)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 3))
    assert not weights[..., 2:].any()


def test_a_gate_by_hand() -> None:
    gate = nn.Linear(1, 2)
    with torch.no_grad():
        gate.weight.copy_(torch.tensor([[1.0], [0.0]]))
        gate.bias.zero_()
    # softmax(log 3, 0) = (3/4, 1/4).
    asked = torch.tensor([[math.log(3)]])
    features = torch.tensor([[[4.0, 0.0], [0.0, 8.0]]])
    assert gated(gate, asked, features)[0].tolist() == pytest.approx([3, 2])
