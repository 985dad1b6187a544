"""A reward is a function (prompts, completions) -> floats."""
