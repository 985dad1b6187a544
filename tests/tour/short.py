"""A tour of a few steps and rows: every stage is real, and none learns much."""

RUNS = ("sft", "reward", "ppo", "dpo")
SHORT = (
    *(f"{run}.training.{setting}" for run in RUNS for setting in ("max_steps=2", "eval_rows=8", "sample_steps=0")),
    "ppo.ppo.rollouts=8",
    "ppo.ppo.max_new_tokens=12",
    "dpo.dpo.kl_prompts=0",
    *(f"{evaluation}.{setting}" for evaluation in ("compare", "bleu") for setting in ("limit=8",)),
    "compare.generation.max_new_tokens=12",
    "bleu.generation.max_new_tokens=12",
)
