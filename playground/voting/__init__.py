"""Blind votes on pairs of answers: ballots, strengths of the models, and preferences for training."""
