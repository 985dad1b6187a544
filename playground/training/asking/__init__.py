"""What methods share that let a model answer and a reward judge: prompts, and the reward asked for its numbers."""
