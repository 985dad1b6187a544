"""What a finished reward model says of texts: one score for a prompt and its answer, or one after every token.

Texts become the ids that training had: the prompt as it stands, the answer behind it, and the end of sequence; cut
where training cut. Scores are computed with the weights and the number format of the end of training, so that they are
the ones seen there.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from playground.config.run import RunConfig
from playground.data.masking import tokenize
from playground.data.rendered import Rendered, Segment
from playground.data.templates import end_of_sequence, render_prompt
from playground.errors import Cancelled, ModelError, OutOfMemory
from playground.models.adapters import put_on
from playground.models.devices import DTYPES, choose_device, choose_dtype
from playground.models.generation import inference
from playground.models.heads import read_with_head, running_scores, with_head
from playground.models.lineage import Scorer, scorer_of
from playground.models.loading import load
from playground.models.memory import estimate_loading
from playground.models.reading import read_tokenizer
from playground.runs.events import Progress

BATCH = 16


class Running(NamedTuple):
    """The score after every token of a text."""

    tokens: tuple[str, ...]
    """The text in pieces; joined they are the text."""
    scores: tuple[float, ...]
    """After each token; the last one is the score of the whole."""
    answer: int
    """Which token is the answer's first."""
    cut: bool
    """Whether the text went on behind what the model reads."""


@dataclass(frozen=True)
class RewardModel:
    """A trained reward model in memory."""

    run: str
    title: str
    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    config: RunConfig
    """Of the run that trained it."""
    max_length: int
    """Tokens that are read of a text, counted from the start, as in training."""
    compute: torch.dtype
    """Number format of the matrix products."""

    @property
    def scorer(self) -> PreTrainedModel:
        """The model with the head; adapters are inside."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    def rendered(self, question: str) -> str:
        """A question in the template of the run: the prompt that its answers were read behind.

        Raises:
            DataError, ModelError, ConfigError: as `render_prompt`.
        """
        return render_prompt(question, self.config.data.template_text, self.tokenizer)

    def ids_of(self, prompt: str, answer: str) -> list[int]:
        """What is read: prompt, answer and the end of sequence, cut at `max_length`."""
        return self._tokenized(prompt, answer)[: self.max_length]

    def score(
        self,
        prompts: Sequence[str],
        answers: Sequence[str],
        *,
        batch_size: int = BATCH,
        stop: threading.Event | None = None,
    ) -> list[float]:
        """A score for each answer; `prompts` are texts as a model is given them, template and all.

        Raises:
            Cancelled: `stop` was set.
        """
        return self.score_ids([self.ids_of(*pair) for pair in zip(prompts, answers, strict=True)], batch_size, stop)

    def score_ids(
        self, rows: Sequence[Sequence[int]], batch_size: int = BATCH, stop: threading.Event | None = None
    ) -> list[float]:
        """A score for each row of ids of this model's tokenizer; scores do not depend on what is beside them.

        Raises:
            Cancelled: `stop` was set.
        """
        # Longest first: the most memory is needed at the start, and a batch has little padding.
        order = sorted(range(len(rows)), key=lambda place: -len(rows[place]))
        found = [0.0] * len(rows)
        for start in range(0, len(order), batch_size):
            if stop is not None and stop.is_set():
                raise Cancelled("Stopped while texts were scored.")
            places = order[start : start + batch_size]
            ids, mask = self._padded([rows[place] for place in places])
            with self._reading():
                scores = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits.float()
            for place, value in zip(places, scores.squeeze(-1).tolist(), strict=True):
                found[place] = value
        return found

    def running(self, prompt: str, answer: str) -> Running:
        """The score after each token of the prompt and the answer, up to where the whole is judged."""
        whole = self._tokenized(prompt, answer)
        ids, mask = self._padded([whole[: self.max_length]])
        with self._reading():
            scores = running_scores(self.scorer, ids, mask)[0].tolist()
        real = [place for place, token in enumerate(ids[0].tolist()) if token != self.tokenizer.pad_token_id]
        last = real[-1] if real else 0
        before = len(self._tokenized(prompt, "")) - 1
        pieces = _pieces(ids[0].tolist()[: last + 1], self.tokenizer)
        return Running(tuple(pieces), tuple(scores[: last + 1]), min(before, last + 1), len(whole) > self.max_length)

    def _tokenized(self, prompt: str, answer: str) -> list[int]:
        behind = Segment(answer + end_of_sequence(self.tokenizer), in_loss=True)
        text = Rendered((Segment(prompt, in_loss=False), behind) if prompt else (behind,))
        return tokenize(text, self.tokenizer, None).input_ids

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and mask, padded on the right as in training."""
        longest = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        return ids.to(self.model.device), mask.to(self.model.device)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        device = self.model.device.type
        half = self.compute != torch.float32
        with inference(self.model), torch.autocast(device, self.compute if half else None, enabled=half):
            yield


_kept: dict[tuple[str, int], RewardModel] = {}
"""The reward model used last, by run and time of its weights: it is asked again and again."""
_loading = threading.Lock()


def reward_model_of(run: str, *, report: Callable[[Progress], None], stop: threading.Event) -> RewardModel:
    """A run's reward model, loaded if it is not the one used last. Raises as `load_reward_model`."""
    folder = scorer_of(run).folder
    key = (run, max(file.stat().st_mtime_ns for file in folder.iterdir()))
    with _loading:
        if key not in _kept:
            _kept.clear()
            _kept[key] = load_reward_model(run, report=report, stop=stop)
        return _kept[key]


def forget_reward_model(run: str | None = None) -> None:
    """Gives back the memory of the one kept; of this run alone, where one is named."""
    with _loading:
        for key in [key for key in _kept if run in (None, key[0])]:
            del _kept[key]


def load_reward_model(
    run: str, *, device: str = "auto", report: Callable[[Progress], None], stop: threading.Event
) -> RewardModel:
    """The reward model that a run left: its base with its head and adapter, or its own whole weights.

    Raises:
        ModelError: there is no such run, it is no reward model, it left no weights, or they are damaged.
        ModelUnavailable, OutOfMemory, Cancelled: as `load`.
    """
    found, place = scorer_of(run), choose_device(device)
    wanted = found.config.training.precision
    compute = torch.float32 if (wanted, place.type) == ("float16", "cpu") else choose_dtype(wanted, place)
    if not found.whole:
        kept = next(name for name, dtype in DTYPES.items() if dtype == compute)
        base = load(found.config.model, dtype=kept, device=device, report=report, stop=stop)
        bare = with_head(base.model, base.tokenizer, found.config.training.seed)
        model, tokenizer, longest = put_on(bare, found.folder), base.tokenizer, base.info.context_length
    else:
        model, tokenizer = _whole(found, place)
        longest = min(model.config.max_position_embeddings, tokenizer.model_max_length)
    most = min(found.config.training.max_length, longest)
    return RewardModel(run, found.name, model, tokenizer, found.config, most, compute)


def _whole(found: Scorer, device: torch.device) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    title = f"The reward model {found.name}"
    estimate = estimate_loading(found.folder, "float32", device=device.type)
    if not estimate.fits:
        raise OutOfMemory(f"{title} {estimate.sentence}; free some memory first.")
    tokenizer = read_tokenizer(found.folder, title)
    model = read_with_head(found.folder, title, tokenizer, torch.float32)
    return torch.nn.Module.to(model, device=device), tokenizer


def share_tokens(one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase) -> bool:
    """Whether two tokenizers give every text the same ids, so that ids of one can be read by the other's model."""
    return (
        one.get_vocab() == other.get_vocab()
        and one.backend_tokenizer.to_str() == other.backend_tokenizer.to_str()  # merges, normaliser, special tokens
    )


def check_shared_tokens(reward: RewardModel, tokenizer: PreTrainedTokenizerBase, title: str) -> None:
    """Raises where ids of a model's tokenizer mean something else to a reward model."""
    if not share_tokens(reward.tokenizer, tokenizer):
        raise ModelError(
            f"The reward model {reward.title} was made for another tokenizer than that of {title}, so the two cannot "
            "share token ids; train a reward model on the same model, or let it read text."
        )


def _pieces(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The text of each token, by what it adds to those before it; a letter of several tokens stands at its last."""
    pieces, shown = [], ""
    for count in range(1, len(ids) + 1):
        text = str(tokenizer.decode(list(ids[:count]), clean_up_tokenization_spaces=False))
        whole = text[: len(text.rstrip("\ufffd"))] if count < len(ids) else text
        pieces.append(whole[len(shown) :] if whole.startswith(shown) else "")
        shown = whole if whole.startswith(shown) else shown
    return pieces
