"""What a host does on stage: a curve, pairs of answers one after the other, a token to guess. Rights are asked before.

Pairs come from the arenas of the Votes view and votes go to the same ballots, so that one table counts them all.
"""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.config.generation import GenerationSettings
from playground.config.voting import VotingSettings
from playground.errors import DataError, PlaygroundError, RunError
from playground.room.ahead import Ahead
from playground.room.audience import Audience
from playground.room.recorded import MARK, recorded
from playground.room.scenes import Curve, Guessing, Posed, Voting, choose_options
from playground.ui.identity import Person
from playground.ui.services import Services
from playground.ui.voting_booth import VotingBooth
from playground.voting.arena import Arena, title
from playground.voting.ballots import Pair
from playground.voting.drawing import Matchup

LONGEST_PROMPT = 2000
"""Letters that fit on a phone with what is asked about them."""


@dataclass(frozen=True)
class Source:
    """Where the pairs on stage come from."""

    arena: Arena
    ahead: Ahead[Pair | None] | None = None
    """The next pair, where it has to be written."""


class StageWork:
    """One per app; cheap to make."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._booth = VotingBooth(services)
        self._chance = random.SystemRandom()
        self._moving = threading.Lock()
        self._source: Source | None = None

    @property
    def audience(self) -> Audience:
        """Those who look."""
        return self._services.audience

    def clear(self) -> None:
        """Takes everything off the stage."""
        self.audience.stage.show(None)

    def curve(self, run: str, metric: str) -> None:
        """Shows a run, or plays a recording from its beginning.

        Raises:
            RunError: there is none, or it is an evaluation.
        """
        if run.startswith(MARK):
            recorded(run.removeprefix(MARK))
        elif not run:
            raise RunError("There is no run to show yet; start one in the Train tab.")
        elif self._services.store.get(run).kind != "run":
            raise RunError(f"{run} is an evaluation; only a run has a curve.")
        self.audience.stage.show(Curve(run, metric, time.monotonic()))

    def vote(self, settings: VotingSettings, known: Person) -> None:
        """Shows the first pair of an arena.

        Raises:
            PlaygroundError: there is nothing to vote on; see `VotingBooth.arena`.
        """
        arena = self._booth.arena(settings, known)
        with self._moving:
            self._source = Source(arena)
            self.audience.stage.show(Voting())
            try:
                self._pose_another(self._source)
            except PlaygroundError:
                self.clear()
                raise

    def step(self, by: int) -> None:
        """Shows the pair before or behind the one that is shown; behind the last, one more is drawn.

        Raises:
            NotOnStage: no vote is on stage.
            PlaygroundError: there is no other pair.
        """
        with self._moving:
            voting = self.audience.stage.change(Voting, lambda voting: voting)
            at = voting.at + by
            if at < 0:
                raise RunError("This is the first pair.")
            if at < len(voting.posed):
                self.audience.stage.change(Voting, lambda voting: replace(voting, at=at))
            elif self._source is None:
                raise RunError("Put a vote on stage again; its answers are not known any more.")
            else:
                self._pose_another(self._source)

    def _pose_another(self, source: Source) -> None:
        stage, arena = self.audience.stage, source.arena
        waits = not arena.instant and (source.ahead is None or source.ahead.waits)
        voting = stage.change(Voting, lambda voting: replace(voting, writing=waits))
        try:
            pair = source.ahead.get() if source.ahead else self._booth.unlike(arena, _seen(voting.posed))
        finally:
            self._source = replace(source, ahead=None)
            stage.change(Voting, lambda voting: replace(voting, writing=False))
        if pair is None:
            raise DataError(
                "Every pair of answers that differ was shown; ask more, draw answers by sampling, or choose another "
                "source."
            )
        stage.pose(self._posed(pair))
        if not arena.instant:
            seen = {*_seen(voting.posed), _matchup(pair)}
            self._source = replace(source, ahead=Ahead(lambda: self._booth.unlike(arena, seen)))

    def _posed(self, pair: Pair) -> Posed:
        """A pair with the votes on it that there are already, such as from before it was taken off stage."""
        store = self._services.store
        votes = {vote.owner: vote.verdict for vote in self._booth.ballots.votes_on(pair.source) if vote.pair == pair}
        names = title(pair.first, store), title(pair.second, store)
        return Posed(pair, self._chance.random() < 0.5, names, votes=votes)

    def close(self, *, reveal: bool = False) -> None:
        """Ends the vote on the pair that is shown, and says whose was whose where asked to.

        Raises:
            NotOnStage: no pair is on stage.
        """

        def closed(voting: Voting) -> Voting:
            posed = voting.current
            if posed is None:
                raise RunError("The answers are still being written; wait until they are there.")
            return voting.with_current(replace(posed, closed=True, revealed=posed.revealed or reveal))

        self.audience.stage.change(Voting, closed)

    def guess(self, prompt: str, *, chat: bool, run: str, temperature: float, tokens: Sequence[int] = ()) -> None:
        """Asks for the token after a prompt and the tokens drawn so far.

        Raises:
            ModelError: no model is loaded, or it cannot read the prompt.
            PlaygroundError: the prompt is empty or too long, or the temperature is none.
        """
        self._services.check_started()
        if not prompt.strip() or len(prompt) > LONGEST_PROMPT:
            raise PlaygroundError(f"Type a prompt of 1 to {LONGEST_PROMPT:,} letters; got {len(prompt):,}.")
        settings = GenerationSettings(temperature=temperature)  # refuses what is out of range
        server = self._services.model_server()
        found = server.next_token(prompt, chat=chat, run=run or None, drawn=tokens)
        import torch

        from playground.core.sampling import transform

        made = transform(torch.from_numpy(found.logits), temperature_value=settings.temperature)
        probabilities = made.probabilities.numpy()
        self.audience.stage.show(
            Guessing(
                prompt,
                found.drawn,
                tuple(tokens),
                choose_options(probabilities, self._chance),
                probabilities,
                server.token_texts(),
                model=title(f"run:{run}", self._services.store) if run else str(self._services.status()["title"]),
                temperature=settings.temperature,
                asked={"chat": chat, "run": run},
            )
        )

    def draw(self) -> None:
        """Draws a token in front of all; the first ends the guessing.

        Raises:
            NotOnStage: there is no token to guess on stage.
        """
        self.audience.stage.change(Guessing, lambda guessing: guessing.drawn(self._chance))

    def go_on(self) -> None:
        """Asks for the token behind the one that was drawn first.

        Raises:
            NotOnStage: there is no token to guess on stage.
            RunError: none was drawn yet.
        """
        guessing = self.audience.stage.change(Guessing, lambda guessing: guessing)
        if guessing.open:
            raise RunError("Draw the token first; the text goes on with it.")
        self.guess(
            guessing.prompt,
            temperature=guessing.temperature,
            tokens=(*guessing.tokens, guessing.draws[0]),
            **guessing.asked,
        )


def _seen(posed: Sequence[Posed]) -> set[Matchup]:
    return {_matchup(one.pair) for one in posed}


def _matchup(pair: Pair) -> Matchup:
    return Matchup(pair.row, pair.first, pair.second)
