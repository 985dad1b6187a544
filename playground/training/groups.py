"""What GRPO and RLOO share: several answers to each prompt, drawn and learnt from by TRL, on PPO's prompts and rewards.

TRL takes prompts as texts. Ours are token ids, so a prompt goes through it by name ("t7", "e0") and is looked up where
it becomes tokens, and where the reward reads it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from datasets import Dataset, Features, List, Value
from peft import LoraConfig, PeftModel, TaskType
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase

from playground.config.methods.grpo import GRPOSettings
from playground.config.methods.rloo import RLOOSettings
from playground.config.run import RunConfig, TrainingSettings
from playground.errors import ConfigError, ModelError
from playground.models.adapters import lora_settings
from playground.models.batch import end_tokens
from playground.rewards.combined import Sum
from playground.rewards.registry import make_reward
from playground.rewards.reward import Surroundings
from playground.runs.context import JobContext
from playground.runs.events import Event, Snapshot
from playground.training import samples
from playground.training.asking.judging import answer_text, asked, means_by_kind, prompt_text
from playground.training.asking.prompts import Prompts
from playground.training.asking.questions import Questions, questions
from playground.training.footing import footing_of, single_gpu
from playground.training.ground import Ground, prepare
from playground.training.outcome import Outcome
from playground.training.rows import Rows
from playground.training.saving import name_base
from playground.training.trainer import WatchedTrainer

GroupSettings = GRPOSettings | RLOOSettings

LEARNT_FROM, HELD_OUT = "t", "e"
"""What the names of prompts begin with."""
DIVERGENCE = "objective/kl"
"""As in PPO: of whole answers, nats, from the tokens that were drawn (k1). TRL's `kl` is a mean over tokens, in GRPO of
k3."""
REFERENCE = "group.reference"
"""Snapshot of the first step, whose answers the reference wrote: `{scores: [[…], …]}`, a list for each prompt."""
SHOWN_SCORES = 2048


class GroupTrainer(WatchedTrainer):
    """Mixin to stand in front of TRL's `GRPOTrainer` or `RLOOTrainer`."""

    asked_for: Mapping[str, list[int]]
    """Prompts by their names; to be set before training."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked_for = {}

    @property
    def _total_train_tokens(self) -> int:
        """Where these trainers of TRL count what they have seen."""
        return int(self.state.num_input_tokens_seen)

    @_total_train_tokens.setter
    def _total_train_tokens(self, tokens: int) -> None:
        self.state.num_input_tokens_seen = tokens

    def _tokenize_prompts(self, prompts: Sequence[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """The ids that training and asking share, instead of what a text would become."""
        return [list(self.asked_for[name]) for name in prompts], None, {}

    def _get_train_sampler(self, dataset: Dataset | None = None) -> Sampler[int]:
        """TRL's, in an order that each pass draws from its number, so that a resumed run finds the right one."""
        return PassSampler(super()._get_train_sampler(dataset), self.args.seed)


class PassSampler(Sampler[int]):
    """TRL's sampler of groups, shuffled anew for each pass over the prompts."""

    def __init__(self, groups: Any, seed: int) -> None:
        self._groups = groups
        self._seed = seed
        self._pass = 0

    def set_epoch(self, number: int) -> None:
        """Called by transformers before each pass."""
        self._pass = number

    def __iter__(self) -> Iterator[int]:
        self._groups.generator.manual_seed(self._seed + self._pass)
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


class Judge:
    """The reward as TRL calls it, and what PPO's figures show of it under PPO's names."""

    __name__ = "reward"

    def __init__(
        self,
        reward: Sum,
        settings: GroupSettings,
        tokenizer: PreTrainedTokenizerBase,
        ends: list[int],
        emit: Callable[[Event], None],
    ) -> None:
        self._reward = reward
        self._emit = emit
        self._settings = settings
        self._tokenizer = tokenizer
        self._ends = set(ends)
        self.asked_for: Mapping[str, list[int]] = {}
        self._told = False

    def __call__(
        self, *, prompts: Sequence[str], completion_ids: Sequence[list[int]], trainer_state: Any, log_metric: Any,
        **_: Any,
    ) -> list[float]:  # fmt: skip
        """One number per answer.

        Raises:
            RunError: the reward failed, or gave something that is no number.
        """
        ids = [self.asked_for[name] for name in prompts]
        texts = [prompt_text(self._tokenizer, prompt) for prompt in ids]
        answers = [
            answer_text(self._tokenizer, prompt, answer) for prompt, answer in zip(ids, completion_ids, strict=True)
        ]
        parts = asked(self._reward, texts, answers, trainer_state.global_step + 1)
        scores = self._reward.of(parts)
        ended = [bool(answer) and answer[-1] in self._ends for answer in completion_ids]
        found = {
            "objective/scores": _mean(scores),
            "length": _mean([len(answer) for answer in completion_ids]),
            "ended": _mean(ended),
            **means_by_kind(self._settings.reward, parts),
        }
        for name, value in found.items():
            log_metric(name, value)
        if not trainer_state.global_step and not self._told and prompts[0].startswith(LEARNT_FROM):
            self._told = True
            self._emit(Snapshot(0, REFERENCE, {"scores": _by_prompt(prompts, scores)}))
        return scores


class Groups:
    """A run of either method before its trainer: prompts, reward, and what TRL needs to be told of both."""

    def __init__(self, ground: Ground, settings: GroupSettings) -> None:
        """Reads the prompts and makes the reward.

        Raises:
            DataError: no prompt is left.
            ModelError: every weight is trained, and there would have to be a reference.
            PlaygroundError: the reward cannot be had.
        """
        _check(ground, settings)
        self.ground = ground
        self.settings = settings
        self.asked: Questions = questions(ground, settings)
        ids, model = ground.loaded.tokenizer, ground.loaded.model
        around = Surroundings(ground.context.emit, ground.context.stop)
        reward = make_reward(settings.reward, around)
        self.judge = Judge(reward, settings, ids, end_tokens(model, ids), ground.context.emit)
        held_out = self.asked.held_out if ground.config.training.eval_steps else []
        train = _cut_once(self.asked.prompts)
        self.names = {f"{LEARNT_FROM}{at}": ids for at, ids in enumerate(train)} | {
            f"{HELD_OUT}{at}": ids for at, ids in enumerate(held_out)
        }
        self.judge.asked_for = self.names
        self.rows = Rows(_named(LEARNT_FROM, train), _named(HELD_OUT, held_out) if held_out else None)

    def arguments(self) -> dict[str, Any]:
        """What both of TRL's configs call the same."""
        settings = self.settings
        return {
            "num_generations": settings.group_size,
            # The score of a held-out prompt needs no group; its advantage is not looked at.
            "num_generations_eval": 1,
            "max_completion_length": settings.max_new_tokens,
            "temperature": settings.temperature,
            "top_k": settings.top_k,
            "top_p": settings.top_p,
            "beta": settings.beta,
            "epsilon": settings.clip_range,
            "num_iterations": settings.update_epochs,
            "remove_unused_columns": False,
            "log_completions": False,
        }

    def policy(self) -> dict[str, Any]:
        """`model` and, for LoRA, `peft_config`; the reference is the model with the adapter off.

        Raises:
            ModelError: the adapter's targets are not the model's.
        """
        model, adapter = self.ground.loaded.model, self.ground.config.adapter
        if adapter.kind != "lora":
            model.requires_grad_(True)
            return {"model": model}
        return {
            "model": model,
            "peft_config": LoraConfig(task_type=TaskType.CAUSAL_LM, **lora_settings(model, adapter)),
        }

    def begin(self, trainer: GroupTrainer) -> None:
        """Gives the trainer its prompts, names what will be saved, and has the fixed prompts answered meanwhile."""
        trainer.asked_for = self.names
        ground = self.ground
        model: Any = trainer.model
        if isinstance(model, PeftModel):
            name_base(model, ground.config.model)
        ground.tell_trained(model)
        training = ground.config.training
        if training.sample_steps and self.asked.fixed:
            trainer.add_callback(
                samples.Sampler(self.asked.fixed, ground.loaded.tokenizer, training, ground.context, ground.watch)
            )


def train_in_groups(
    config: RunConfig, context: JobContext, trainer: type[GroupTrainer], arguments: type[Any], own: Mapping[str, Any]
) -> Outcome:
    """Tunes `config.model` towards a reward and leaves `adapter` or `model` in the run's folder.

    Args:
        trainer: TRL's, with our watch on it.
        arguments: TRL's config of that trainer.
        own: settings of `arguments` that the other method has not.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    settings = cast("GroupSettings", config.options)
    _check_group(config.training, settings)
    groups = Groups(prepare(config, context), settings)
    footing = footing_of(groups.ground, groups.rows)
    made = trainer(
        reward_funcs=groups.judge,
        args=single_gpu(arguments(**footing.arguments, **groups.arguments(), **own)),
        **groups.policy(),
        **footing.watching(),
    )
    groups.begin(made)
    return footing.run(made)


def _check_group(training: TrainingSettings, settings: GroupSettings) -> None:
    """Raises `ConfigError` where a step's answers cannot be parted into whole groups; to be asked before all else."""
    answers = training.batch_size * training.gradient_accumulation
    if answers % settings.group_size:
        raise ConfigError(
            [
                (
                    f"training.batch_size × gradient_accumulation, {answers}, must be a multiple of "
                    f"{settings.section}.group_size, {settings.group_size}: a step learns from whole groups."
                )
            ]
        )


def _check(ground: Ground, settings: GroupSettings) -> None:
    name = settings.section
    if ground.config.adapter.kind != "lora" and settings.beta:
        raise ModelError(
            f"{name.upper()} has no reference to hold every weight to; set {name}.beta to 0, or adapter.kind to lora, "
            "whose reference is the model with the adapter off."
        )


def _cut_once(prompts: Prompts) -> list[list[int]]:
    """Every prompt, cut to the length that its place draws."""
    return prompts.take(0, len(prompts.rows))


def _named(letter: str, prompts: Sequence[list[int]]) -> Dataset:
    features = Features({"prompt": Value("string"), "prompt_ids": List(Value("int32"))})
    names = [f"{letter}{at}" for at in range(len(prompts))]
    return Dataset.from_dict({"prompt": names, "prompt_ids": list(prompts)}, features=features)


def _by_prompt(prompts: Sequence[str], scores: Sequence[float]) -> list[list[float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for prompt, score in zip(prompts[:SHOWN_SCORES], scores[:SHOWN_SCORES], strict=True):
        groups[prompt].append(float(f"{score:.4g}"))
    return list(groups.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
