"""The app as on ZeroGPU, where torch is built for the processor: without what `spaces` does to a CUDA build of it."""

import runpy
import sys
import types

if __name__ == "__main__":
    emulation = types.ModuleType("spaces.zero.torch")
    emulation.is_in_bad_fork = lambda: False  # type: ignore[attr-defined]
    emulation.pack = lambda: 0  # type: ignore[attr-defined]
    emulation.patch = emulation.unpatch = emulation.enter_mode = lambda: None  # type: ignore[attr-defined]
    sys.modules[emulation.__name__] = emulation
    runpy.run_path("app.py", run_name="__main__")
