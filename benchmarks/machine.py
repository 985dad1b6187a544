"""What a measurement was made on, in words that identify no one: processor, cores, memory, versions."""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

PACKAGES = ("torch", "transformers", "peft", "trl", "gradio")


def describe() -> dict[str, object]:
    """JSON values; no host name, no path."""
    load = psutil.getloadavg()[0] if hasattr(psutil, "getloadavg") else None
    return {
        "processor": processor(),
        "cores": psutil.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_before": load,
        "system": platform.system(),
        "python": ".".join(map(str, sys.version_info[:3])),
        **{package: version(package) for package in PACKAGES},
    }


def processor() -> str:
    """The processor's own name where the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
