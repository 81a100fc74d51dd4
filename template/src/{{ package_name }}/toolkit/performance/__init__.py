"""Memory and speed of training: measured and improved."""

from .activation_checkpointing import ActivationCheckpointing
from .benchmark import (
    BATCH_SIZES,
    describe_overhead,
    is_slower,
    load_speed,
    measure_overhead,
)
from .compile import Compile, CompileBenchmark
from .overhead import TrainerOverhead
from .profile import Profile
from .step_cost import StepCost
from .workers import LoadingSpeed

__all__ = [
    "ActivationCheckpointing",
    "BATCH_SIZES",
    "Compile",
    "CompileBenchmark",
    "LoadingSpeed",
    "Profile",
    "StepCost",
    "TrainerOverhead",
    "describe_overhead",
    "is_slower",
    "load_speed",
    "measure_overhead",
]
