"""What runs warn of, in English, with places for numbers; the page says it in its reader's language.

`{step}` and the like are filled by whoever warns. A problem that names itself in words (`{problem}`) keeps them.
"""

_FELL = (
    "By step {step} the preferred answers have become less likely too, by {chosen} nats on the PAIRS pairs (the "
    "rejected ones by {rejected}): the loss asks for the difference alone. Where answers get worse, try "
)
_DPO_REMEDIES = (
    "a larger dpo.beta, a lower training.learning_rate, a start from an SFT run on the preferred answers, or dpo.nll 1."
)
_KTO_REMEDIES = (
    "a larger kto.beta, a lower training.learning_rate, a larger kto.desirable_weight, or a start from an SFT run on "
    "the preferred answers."
)

WARNINGS = {
    "adapter_not_kept": "The adapter of step {step} could not be kept to be looked at later: {problem}",
    "answers_collapse": (
        "Step {step}: answers have collapsed from {before} to {now} tokens. Either the reward pays for short texts, or "
        "ending early avoids a penalty; read the answers. Try a reward that also asks for a length, a higher "
        "{section}.beta (now {beta}), or a lower training.learning_rate."
    ),
    "both_fall_dpo_held_out": _FELL.replace("PAIRS", "held-out") + _DPO_REMEDIES,
    "both_fall_dpo_training": _FELL.replace("PAIRS", "training") + _DPO_REMEDIES,
    "both_fall_kto_held_out": _FELL.replace("PAIRS", "held-out") + _KTO_REMEDIES,
    "both_fall_kto_training": _FELL.replace("PAIRS", "training") + _KTO_REMEDIES,
    "checkpoint_damaged": "Passed over, because it was cut short or damaged: {names}; that of step {step} is used.",
    "checkpoint_not_saved": "The checkpoint of step {step} could not be saved: {problem}",
    "held_out_unusable": "{problem} These were the held-out rows.",
    "no_held_out_prompts": (
        "There are no held-out prompts, so no score of answers to them; data.split gives them a share."
    ),
    "no_held_out_rows": "There are no held-out rows, so no validation loss; data.split gives them a share.",
    "reward_runs_away": (
        "Step {step}: the reward rises (from {before} to {now}) while the policy runs away from the reference: "
        "{divergence} nats an answer. It may be learning to please the reward and no longer to write well; read its "
        "answers. Try a higher {section}.beta (now {beta}), {section}.beta_target 6, fewer {section}.update_epochs or "
        "a lower training.learning_rate."
    ),
    "rows_cut_held_out": "{rows} of {total} held-out rows are cut at {length} tokens.",
    "rows_cut_training": "{rows} of {total} training rows are cut at {length} tokens.",
    "rows_left_out": "{rows} of {total} rows are left out. {problem}",
    "rows_left_out_held_out": "{rows} of {total} held-out rows are left out. {problem}",
    "rows_left_out_training": "{rows} of {total} training rows are left out. {problem}",
}
"""By key; `warning.KEY` is the key of the page's text."""


def worded(key: str, values: dict[str, str]) -> str:
    """A warning in English."""
    return WARNINGS[key].format(**values)
