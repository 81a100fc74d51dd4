"""What a training costs, and what makes it cheaper."""

from .activation_checkpointing import Checkpointing
from .benchmark import (
    BATCH_SIZES,
    describe_overhead,
    is_slower,
    load_speed,
    measure_overhead,
)
from .compile import Compile
from .compile_benchmark import CompiledSpeed
from .overhead import Race
from .profile import Profile
from .step_cost import StepCost
from .workers import LoadingSpeed

__all__ = [
    "BATCH_SIZES",
    "Checkpointing",
    "Compile",
    "CompiledSpeed",
    "LoadingSpeed",
    "Profile",
    "Race",
    "StepCost",
    "describe_overhead",
    "is_slower",
    "load_speed",
    "measure_overhead",
]
