"""A loss that is no number: which one, at which step, on which proteins."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from protclip_td.errors import TrainingError
from protclip_td.training.disk import write_run_json


def find_faults(loss: float, metrics: Mapping[str, Any], batch: Any) -> list[dict[str, Any]]:
    """Describe a batch whose loss is NaN or infinite.

    Parameters:
        loss (float): the loss of the batch
        metrics (dict): its parts by name
        batch (dict): the batch; its ``accession`` list is reported, if it has one

    Returns:
        list of dict: empty if the loss is finite, else one record
    """
    if math.isfinite(loss):
        return []
    parts = {name: float(value) for name, value in metrics.items()}
    wrong = {name: value for name, value in parts.items() if not math.isfinite(value)}
    accessions = batch.get("accession", []) if isinstance(batch, Mapping) else []
    return [{"losses": _as_text(wrong or {"loss": loss}), "accessions": list(accessions)}]


def training_error(
    faults: list[dict[str, Any]], step: int, folder: Path | None, checkpoint: Path | None
) -> TrainingError:
    """Write ``bad_batch.json`` and word the error.

    Parameters:
        faults (list of dict): records of all ranks; may be empty where only a gradient is at fault
        step (int): optimizer step that must not be taken
        folder (Path, optional): where to write the file; with None it is not written
        checkpoint (Path, optional): the last checkpoint, None if there is none yet

    Returns:
        TrainingError: for the caller to raise
    """
    names = sorted({name for fault in faults for name in fault["losses"]})
    what = f"The {' and the '.join(names)}" if names else "The gradient"
    values = sorted({value for fault in faults for value in fault["losses"].values()})
    message = f"{what} became {' and '.join(values) or 'NaN or infinite'} at step {step}."
    if folder is not None and faults:
        path = folder / "bad_batch.json"
        write_run_json(path, {"step": step, "batches": faults})
        named = any(fault["accessions"] for fault in faults)
        message += f" The {'accessions' if named else 'losses'} of the batch are in {path}."
    return TrainingError(f"{message} The step was not taken. {_advice(checkpoint)}")


def check_weights(model: nn.Module, step: int, checkpoint: Path | None) -> None:
    """Make sure that training has left numbers in the weights; a step too far may have not.

    Parameters:
        model (nn.Module): what is trained
        step (int): optimizer steps taken
        checkpoint (Path, optional): the last checkpoint, None if there is none yet

    Raises:
        TrainingError: some weights are NaN or infinite
    """
    trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    broken = [name for name, weight in trained if not weight.isfinite().all()]
    if broken:
        raise TrainingError(
            f"{len(broken)} of {len(trained)} weight tensors became NaN or infinite by step "
            f"{step}, {broken[0]} among them. They are not kept. {_advice(checkpoint)}"
        )


def _advice(checkpoint: Path | None) -> str:
    what = "A smaller learning rate, clip_grad_norm or precision: fp32 may help: start a new run"
    if checkpoint is None:
        return f"{what} with these."
    return f"{what} with these and, from before this step, `checkpoint: {checkpoint}`."


def _as_text(values: dict[str, float]) -> dict[str, str]:
    # NaN is no JSON.
    return {name: "NaN" if math.isnan(value) else "infinite" for name, value in values.items()}
