"""The sentence for each way in which a job can fail."""

import errno
import signal
from pathlib import Path

import pytest

from playground.config.codec import encode
from playground.errors import DataError, OutOfMemory
from playground.jobs import failures
from tests.training.ppo_runs import ppo_config

DOCUMENT = {"training": {"batch_size": 8, "max_length": 512}, "adapter": {"rank": 1}}


class OutOfMemoryError(RuntimeError):
    """Named as torch's own."""


CUDA = OutOfMemoryError(
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.6 GiB of which 1.20 GiB is free."
)
CPU = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8589934592 bytes.")


def test_an_error_for_people_is_its_own_sentence() -> None:
    assert failures.sentence(DataError("Row 3 has no answer."), "run", DOCUMENT) == "Row 3 has no answer."


def test_memory_of_the_device_names_what_was_asked_what_there_was_and_what_to_lower() -> None:
    assert failures.sentence(CUDA, "run", DOCUMENT) == (
        "Memory ran out: 2.50 GiB was needed at once and 1.20 GiB was free. "
        "Lower training.batch_size (now 8), training.max_length (now 512), or take a smaller model."
    )


def test_memory_of_answers_that_a_run_draws_is_named_too() -> None:
    document = encode(ppo_config("tiny", Path("prompts.json")))
    assert failures.sentence(CUDA, "run", document).endswith(
        "Lower training.batch_size (now 3), ppo.rollout_batch (now 64), ppo.max_new_tokens (now 8), "
        "ppo.rollouts (now 6), training.max_length (now 512), adapter.rank (now 4), or take a smaller model."
    )


def test_main_memory_is_told_in_the_same_unit() -> None:
    text = failures.sentence(CPU, "run", DOCUMENT)
    assert text.startswith("Memory ran out: 8.00 GiB was needed at once and ")
    assert "GiB of main memory was free" in text


@pytest.mark.parametrize(
    "error",
    [
        CUDA,
        CPU,
        MemoryError(),
        RuntimeError("CUDA error: out of memory"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_memory_is_recognised(error: Exception) -> None:
    assert failures.is_memory(error)
    assert isinstance(failures.out_of_memory(error, "evaluation", {"batch_size": 16}), OutOfMemory)
    assert "batch_size (now 16)" in failures.sentence(error, "evaluation", {"batch_size": 16})


def test_other_errors_are_not_memory() -> None:
    assert not failures.is_memory(RuntimeError("shape mismatch"))
    assert not failures.is_memory(ValueError("out of memory"))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("No space left on device (os error 28)"),
        RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file data/3: file write failed"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 2964352 vs 2964240"),
    ],
)
def test_a_full_disk_is_told(error: Exception) -> None:
    assert failures.sentence(error, "run", DOCUMENT).startswith("The disk is full, or a file may not")


def test_a_file_that_cannot_be_used_is_named() -> None:
    error = NotADirectoryError(errno.ENOTDIR, "Not a directory", "runs/sft-abc/checkpoints/partial")
    assert failures.sentence(error, "run", DOCUMENT) == (
        "runs/sft-abc/checkpoints/partial cannot be read or written (Not a directory); details in log.txt."
    )


def test_anything_else_is_ours_and_points_to_the_log() -> None:
    text = failures.sentence(KeyError("rank\nmore"), "run", DOCUMENT)
    assert text == r"An unexpected error (KeyError: 'rank\nmore'); details in log.txt."
    assert failures.sentence(ValueError(), "run", DOCUMENT) == (
        "An unexpected error (ValueError: no text); details in log.txt."
    )


def test_a_worker_that_died_is_told_by_exit_code_or_signal() -> None:
    assert failures.of_exit(7, 0) == (
        "The worker process ended with exit code 7 before its first step; details in log.txt."
    )
    killed = failures.of_exit(-signal.SIGKILL, 12)
    assert "killed by signal 9 (SIGKILL) after step 12; the system may have been out of memory" in killed
    assert "signal 11 (SIGSEGV)" in failures.of_exit(-signal.SIGSEGV, 1)
    assert "out of memory" not in failures.of_exit(-signal.SIGSEGV, 1)
