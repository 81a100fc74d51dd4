"""The layers of a network, in the order in which they are called."""

from dataclasses import dataclass
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.utils.hooks import RemovableHandle

from ..figures import as_text
from ..training import shapes, tensors


@dataclass
class Layer:
    """A layer, and what it returned for a batch."""

    name: str  # as in `named_modules`
    kind: str  # its class
    parameters: int  # their number
    inputs: str  # shapes in its first call
    outputs: str = ""  # shapes; empty if it failed
    memory: int = 0  # bytes of all outputs, most of them kept for the backward pass


class LayerRecorder:
    """Records inputs and outputs of the layers of a network.

    A layer is a module without others in it, or with parameters of its own.
    """

    def __init__(self, net: nn.Module) -> None:
        self.layers: dict[str, Layer] = {}
        self._handles: list[RemovableHandle] = []
        for name, module in net.named_modules():
            own = [*module.parameters(recurse=False)]
            if name and (own or not [*module.children()]):
                self._watch(name, module)

    def _watch(self, name: str, module: nn.Module) -> None:
        def before(module: nn.Module, given: Any, named: dict[str, Any]) -> None:
            if name not in self.layers:
                count = sum(each.numel() for each in module.parameters())
                kind, inputs = type(module).__name__, shapes([given, named])
                self.layers[name] = Layer(name, kind, count, inputs)

        def after(module: nn.Module, given: Any, output: Any) -> None:
            layer = self.layers[name]
            layer.outputs = layer.outputs or shapes(output)
            layer.memory += sum(tensor.nbytes for tensor in tensors(output))

        self._handles += [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after),
        ]

    def stop(self) -> None:
        """Stop recording."""
        for handle in self._handles:
            handle.remove()

    def table(self) -> str:
        """Return a line for each layer that was called."""
        rows = [["layer", "input", "output", "parameters", "KiB", "kind"]]
        for layer in self.layers.values():
            size = f"{layer.memory / 1024:,.1f}" if layer.outputs else ""
            outputs = layer.outputs or "failed"
            count = f"{layer.parameters:,}"
            rows.append([layer.name, layer.inputs, outputs, count, size, layer.kind])
        return as_text(rows)


class LayerTable(Callback):
    """Prints each layer's input and output shape, parameters and memory.

    That is of the first batch, or of the batch at which training failed.
    """

    def __init__(self) -> None:
        self.recorder: LayerRecorder | None = None

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start recording."""
        self.recorder = LayerRecorder(pl_module)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Print the table of the first batch, and remove all hooks."""
        self._print(first=batch_idx == 0 and trainer.current_epoch == 0)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Print how far the batch came."""
        self._print(first=True)

    def _print(self, *, first: bool) -> None:
        if self.recorder is not None:
            self.recorder.stop()
            if first:
                print(f"\n{self.recorder.table()}")
            self.recorder = None
