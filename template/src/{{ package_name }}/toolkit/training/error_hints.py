"""Hints for common errors of PyTorch: the cause in a line, and the next recipe."""

import re
import traceback
from collections.abc import Callable
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from ..errors import full_disk
from ..paths import PACKAGE
from .nested_tensors import finite, shapes

# Message and hint for each kind of error. The first match counts.
KINDS: dict[str, tuple[str, str]] = {
    "memory": (
        r"out of memory|not enough memory|can't allocate memory",
        "out of memory{place}. Smaller batches need less: docs/troubleshooting.md",
    ),
    "disk": (
        r"No space left|PytorchStreamWriter failed|unexpected pos \d",
        "{cause}: a file could not be written. Is the disk full, or the quota?",
    ),
    "shared": (
        r"out of shared memory|Bus error|unable to open shared memory",
        "the workers that load data have too little shared memory: fewer of them "
        "(--data.num_workers=0), or more of it (docker run --shm-size=8g)",
    ),
    "worker": (
        r"DataLoader worker .*(exited unexpectedly|is killed by signal)",
        "a worker that loads data died{place}. To see why, load without workers: "
        "nox -s debug -- fast --data.num_workers=0",
    ),
    "loading": (
        r"^Caught \w+ in DataLoader worker",
        "{cause}, in a worker that loads data. To see it without workers: "
        "nox -s debug -- fast --data.num_workers=0",
    ),
    "label": (
        r"Target -?\d+ is out of bounds|index out of range in self|device-side assert",
        "{cause}{place}: a label or index is out of range, or there are too few "
        "outputs. To look at them: nox -s tests -- tests/data; nox -s debug -- shapes",
    ),
    "empty": (
        r"num_samples should be a positive integer",
        "the training split has no examples. To look at the splits: "
        "nox -s tests -- tests/data",
    ),
    "gradient": (
        r"returned nan values in its",
        "{cause}{place}. The traceback has the line that calculated it",
    ),
    "detached": (
        r"does not require grad and does not have a grad_fn",
        "the loss of{place} has no gradient, so nothing can be learnt: it was "
        "detached, comes from .item() or torch.no_grad(), or all weights are frozen",
    ),
    "graph": (
        r"backward through the graph a second time",
        "the loss of{place} needs a graph that an earlier backward has freed: detach "
        "what is kept from step to step, such as a hidden state",
    ),
    "inplace": (
        r"modified by an inplace operation",
        "a value that the gradient needs was overwritten{place}: replace += and "
        "functions that end in _ by those that make a new tensor. To see where: "
        "nox -s debug -- nan",
    ),
    "single": (
        r"Expected more than 1 value per channel when training",
        "{cause}{place}: BatchNorm needs several examples. Leave out a last batch of "
        "one (drop_last=True in the loader of the training split), or change "
        "--data.batch_size",
    ),
    "device": (
        r"not on the expected device|on the same device|at least two devices"
        r"|should be the same.*(cuda|mps)|(cuda|mps).*should be the same",
        "{cause}{place}: make new tensors where the others are, as in "
        "torch.zeros(3, device=x.device), and constants by register_buffer",
    ),
    "dtype": (
        r"Input type|expected scalar type|must have the same dtype|target dtype"
        r"|not implemented for '|[Ff]ound dtype|dtype of input|Expected floating point"
        r"|argument #\d .* scalar type|result type .* can't be cast",
        "{cause}{place}: inputs and weights need one type, mostly float32 (x.float()); "
        "classes and indices are int64 (labels.long()), numbers to predict float32",
    ),
    "target": (
        r"multi-target not supported|0D or 1D target|[Tt]arget size \(",
        "{cause}{place}: labels have the shape (B,), and (B, 1) becomes that by "
        "labels.squeeze(1). To see all shapes: nox -s debug -- shapes",
    ),
    "compiler": (
        r"No working C\+\+ compiler|[Cc]annot find a working triton",
        "layers cannot be compiled, as there is no compiler: install one (C++, and "
        "Triton for a GPU), or train without",
    ),
    "process": (
        r"[Cc]onnection (closed|reset) by peer|NCCL.* (remote process|aborted)",
        "another process of this training has ended: its own message says why",
    ),
    "shape": (
        r"cannot be multiplied|must match the (existing )?size"
        r"|Expected size for first two dimensions"
        r"|to have \d+ channels|is invalid for input of size|Expected \d+\S*D"
        r"|same number of dimensions|Sizes of tensors must match"
        r"|Expected input batch_size|normalized_shape",
        "{cause}{place}. To see all shapes: nox -s debug -- shapes",
    ),
}


def error_hint(error: BaseException, net: nn.Module, batch: str) -> str | None:
    """Return a hint for a known error, in a line; `batch` names the batch, in words."""
    if _raised_by_hand(error):
        return None  # by the code of the team, which says itself what is wrong
    text = "out of memory" if isinstance(error, MemoryError) else str(error)
    if reason := full_disk(error):
        return reason
    if isinstance(error, OSError) and error.filename:
        again = "To see it again within seconds: nox -s debug -- fast"
        return f"{error.strerror}: {error.filename}. {again}"
    for kind, (pattern, sentence) in KINDS.items():
        if re.search(pattern, text):
            # A worker sends its traceback first.
            cause = text.strip().splitlines()[-1 if kind == "loading" else 0]
            places = [*filter(None, [failed_layer(error, net), batch])]
            place = f" in {', '.join(places)}" if places else ""
            if sentence.startswith("the loss of"):
                place = f" {batch or 'a step'}"
            return sentence.format(cause=cause.rstrip(".!"), place=place)
    return raised_by_lightning(error)


def _raised_by_hand(error: BaseException) -> bool:
    """Return whether a line of this package, beside the toolkit, has raised it."""
    module = _module_of(error)
    ours = module.startswith(f"{PACKAGE}.") and ".toolkit." not in module
    if not ours:
        return False
    line = traceback.extract_tb(error.__traceback__)[-1].line or ""
    return line.startswith("raise ")


def _module_of(error: BaseException) -> str:
    """Return the module of the line that has raised an error, if it was raised."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return str(frames[-1].f_globals.get("__name__")) if frames else ""


def raised_by_lightning(error: BaseException) -> str | None:
    """Return what Lightning itself says of a wrong option or hook, in a line."""
    text = str(error).strip("'")
    if isinstance(error, KeyError) and text.startswith("SLURM_"):
        return f"{text} is not set, but SLURM_NTASKS is: start by srun, or unset that"
    known = (RuntimeError, TypeError, ValueError, MisconfigurationException)
    if not _module_of(error).startswith("lightning.") or not isinstance(error, known):
        return None
    text = re.sub(r"<(?:\w+\.)*(\w+) object at \w+>", r"\1", text)
    if "backend found" in text:  # for a GPU that is not there
        text += " Say --trainer.accelerator=auto, or cpu"
    return " ".join(text.split())[:400].rstrip(".") or None


def failed_layer(error: BaseException, net: nn.Module) -> str | None:
    """Return name, class and input shapes of the innermost layer that has failed."""
    names = _names(net)
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_locals.get("self")
        # Every call of a module goes through here, with its inputs.
        if frame.f_code.co_name == "_call_impl" and id(module) in names:
            given = [frame.f_locals.get("args"), frame.f_locals.get("kwargs")]
            found = f"{names[id(module)]} given {shapes(given)}"
    return found


def first_nonfinite_layer(net: nn.Module, run: Callable[[], object]) -> str | None:
    """Run a network; return name and class of the first layer with nonfinite output."""
    names = _names(net)
    found: list[str] = []

    def after(module: nn.Module, given: Any, output: Any) -> None:
        if not found and id(module) in names and not finite(output):
            found.append(names[id(module)])

    handle = register_module_forward_hook(after)
    try:
        run()
    finally:
        handle.remove()
    return found[0] if found else None


def _names(net: nn.Module) -> dict[int, str]:
    """Return the name and class of each layer, by its identity."""
    return {
        id(module): f"layer {name} ({type(module).__name__})"
        for name, module in net.named_modules()
        if name
    }
