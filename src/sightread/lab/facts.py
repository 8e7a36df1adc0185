"""With what something was made: printed on cards and kept in checkpoints."""

from __future__ import annotations

import platform

import numpy as np
import torch

from sightread.version import __version__


def versions() -> dict[str, str]:
    """Name of a package -> its version."""
    return {
        "sightread": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def device_name(device: torch.device) -> str:
    """`NVIDIA H200`, or `x86_64 CPU (AVX512), 2 threads`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    kind = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} CPU ({kind}), {torch.get_num_threads()} threads"
