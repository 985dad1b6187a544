"""Imported once by the fork server, so that every worker starts with the heavy imports done."""

import contextlib
import gc
import os

if hasattr(os, "nice"):
    os.nice(19)  # the page must not wait for these imports; workers run at 19 anyway

# torch must not touch the CUDA driver here: a process forked afterwards could not use the device
# (pytorch.org/docs/stable/notes/multiprocessing.html). With this it asks the management library instead.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

# The fork server dies of anything but an ImportError; a worker that imports for itself can say what is wrong.
with contextlib.suppress(Exception):
    import playground.evaluation.job  # noqa: F401
    from playground.config.methods import METHODS
    from playground.training.dispatch import trainer_of

    for method in METHODS:
        trainer_of(method)

gc.freeze()  # what is here stays for good: workers need not look through it, nor copy its pages
