"""What makes a completion good: functions from prompts and completions to numbers, each told in a sentence."""
