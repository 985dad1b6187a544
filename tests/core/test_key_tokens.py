"""Rows with key tokens count more: by hand, and against a plain loop over rows and tokens."""

import torch

from playground.core.key_tokens import key_token_loss, weights_of


def test_weights_by_hand() -> None:
    ids = torch.tensor([[5, 7, 5, 0], [1, 2, 3, 4], [7, 0, 0, 0]])
    real = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]]).bool()
    assert weights_of(ids, real, [5, 7], 1.0).tolist() == [4, 1, 2]
    assert weights_of(ids, real, [5, 5], 0.5).tolist() == [1.5, 0.5, 0.5]
    assert weights_of(ids, real, [0], 2.0).tolist() == [2, 2, 2], "padding is no occurrence"
    assert weights_of(ids, real, [], 3.0).tolist() == [3, 3, 3]


def test_a_loop_says_the_same() -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 6, 11, requires_grad=True)
    ids = torch.randint(0, 11, (3, 6))
    real = torch.arange(6) < torch.tensor([[6], [4], [5]])
    in_loss = real[:, 1:] & (torch.arange(1, 6) >= torch.tensor([[1], [2], [3]]))
    keys, alpha = [3, 8], 0.7

    expected = torch.zeros(())
    for row in range(3):
        losses = [-logits[row, place].log_softmax(-1)[ids[row, place + 1]] for place in range(5) if in_loss[row, place]]
        occurrences = sum(int(token) in keys for token, kept in zip(ids[row], real[row], strict=True) if kept)
        expected = expected + alpha * (1 + occurrences) * torch.stack(losses).mean() / 3

    log_probs = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    found = key_token_loss(log_probs, in_loss, weights_of(ids, real, keys, alpha))
    torch.testing.assert_close(found.total, expected)
    [mine], [theirs] = (
        torch.autograd.grad(found.total, logits, retain_graph=True),
        torch.autograd.grad(expected, logits),
    )
    torch.testing.assert_close(mine, theirs)


def test_a_row_without_anything_to_learn_costs_nothing() -> None:
    found = key_token_loss(
        torch.tensor([[-1.0, -3.0], [-5.0, -5.0]]), torch.tensor([[1, 1], [0, 0]]).bool(), torch.ones(2)
    )
    assert found.rows.tolist() == [2, 0]
    assert found.total.item() == 1
