"""Imports the packages that tests need once, for all processes."""

import os

# Set before PyTorch is imported, as in conftest.py.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import importlib.util  # noqa: E402

for name in (
    "lightning.pytorch.cli",
    "torch.utils.flop_counter",
    "great_expectations",
    "matplotlib.pyplot",
    "pandas",
    "sklearn.datasets",
    "sklearn.model_selection",
    "tensorboard",
):
    # Not every project uses all of them.
    if importlib.util.find_spec(name.partition(".")[0]):
        importlib.import_module(name)
