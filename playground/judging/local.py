"""A causal language model of our own as judge: loaded, asked greedily in batches, and let go."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.config.generation import GenerationSettings
from playground.config.run import ModelRef
from playground.models.generation import context_length, generate
from playground.models.loading import load
from playground.models.prompting import chat_ids, start_ids
from playground.runs.events import Progress

BATCH = 16


@dataclass(frozen=True)
class LocalModel:
    """A judge that is loaded when it is asked."""

    model: ModelRef

    def ask(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        stop: threading.Event,
        report: Callable[[int], None] = lambda _: None,
        loading: Callable[[Progress], None] = lambda _: None,
    ) -> list[str]:
        """One reply per prompt, in their order: in the model's chat template where it has one.

        A prompt that leaves no room in the model's context gets an empty reply, which nobody can read.

        Raises:
            ModelError: the model cannot be loaded.
            Cancelled: `stop` was set.
        """
        loaded = load(self.model, report=loading, stop=stop)
        tokenizer = loaded.tokenizer
        ids = [chat_ids(tokenizer, one) if tokenizer.chat_template else start_ids(tokenizer, one) for one in prompts]
        room = context_length(loaded.model)
        asked = [place for place, one in enumerate(ids) if room is None or len(one) < room]
        answers = generate(
            loaded.model,
            tokenizer,
            [ids[place] for place in asked],
            GenerationSettings(max_new_tokens=max_new_tokens),
            batch_size=BATCH,
            report=lambda progress: report(int(progress.done)),
            stop=stop,
        )
        replies = [""] * len(prompts)
        for place, answer in zip(asked, answers, strict=True):
            replies[place] = answer.text
        return replies
