"""Callbacks for any LightningModule: the guard, and what recipes look with.

Who imports this can name them in a configuration without the rest of the path.
"""

from .checkpointing import Checkpointing
from .compiled_speed import CompiledSpeed
from .compiling import Compile
from .cost import StepCost
from .gradients import GradientNorms
from .guard import Guard
from .layers import LayerTable
from .memorize import Memorize
from .profile import Profile
from .race import Race
from .scale import Scale
from .workers import LoadingSpeed

__all__ = [
    "Checkpointing",
    "Compile",
    "CompiledSpeed",
    "GradientNorms",
    "Guard",
    "LayerTable",
    "LoadingSpeed",
    "Memorize",
    "Profile",
    "Race",
    "Scale",
    "StepCost",
]
