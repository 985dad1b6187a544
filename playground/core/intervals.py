"""How far a share among few may be from the share among many."""

import math
from collections.abc import Sequence

Z = 1.959964
"""Quantile of the normal distribution that leaves 2.5 % above it."""


def wilson(share: float, total: float) -> tuple[float, float]:
    """95 % interval of a share by Wilson (1927), which stays within 0 and 1 and holds for few rows too.

    Args:
        share: 0-1, as it was found.
        total: of how many; at least 1, and no whole number where some count less than others.
    """
    middle = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def wilson_in_groups(groups: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """95 % interval of a share whose cases come in groups that are alike within, such as votes on the same two answers.

    Wilson's, with as many cases as the groups are worth (Korn and Graubard 1998, Survey Methodology 24): the variance
    of the ratio of sums, linearised, says how many independent cases would be as exact. Where every group has one case
    that counts 0 or 1, that is Wilson's interval itself.

    Args:
        groups: of each, the sum of what its cases count (0-1 each), and how many they are; one case at least in all.
    """
    total = sum(count for _, count in groups)
    share = sum(summed for summed, _ in groups) / total
    spread = sum((summed - share * count) ** 2 for summed, count in groups)
    alone = share * (1 - share)
    # All for one side: the groups agree, which says nothing of the cases within.
    worth = len(groups) if alone <= 0 else min(total, alone * total**2 / spread) if spread > 0 else total
    return wilson(share, worth if len(groups) > 1 else 1)
