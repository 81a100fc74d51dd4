"""What the recipes in `configs/debug/` use: callbacks for any LightningModule.

Who imports this can name the callbacks in a configuration without the rest of the path.
"""

from .layers import LayerTable
from .memorize import Memorize

__all__ = ["LayerTable", "Memorize"]
