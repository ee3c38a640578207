"""A fixed encoder under a linear head, for tests of what its features and the labels are worth."""

import torch
from torchdrug import data

from protclip_td.building import build
from protclip_td.config import load_config

#: The metric of each benchmark on single proteins or pairs.
HEADLINES = {
    "bin": "accuracy [localization]",
    "sub": "accuracy [localization]",
    "ec": "auprc@micro",
    "go_bp": "auprc@micro",
    "go_mf": "auprc@micro",
    "go_cc": "auprc@micro",
    "beta_lactamase": "spearmanr [scaled_effect1]",
    "aav": "spearmanr [target]",
    "thermostability": "spearmanr [target]",
    "fluorescence": "spearmanr [log_fluorescence]",
    "stability": "spearmanr [stability_score]",
    "human_ppi": "accuracy [interaction]",
    "yeast_ppi": "accuracy [interaction]",
    "ppi_affinity": "spearmanr [interaction]",
}


def experiment_of(name, folder, encoder, *flags):
    """A benchmark on the data below a folder, ready to run."""
    words = [f"--path={folder}", f"--encoder={encoder}", f"--output_dir={folder}/runs", *flags]
    return build(load_config(name, words))


@torch.no_grad()
def features_and_targets(experiment, split):
    """What the fixed encoder says about a split, and the targets, by the task's own methods."""
    task, dataset = experiment.task, getattr(experiment.engine, f"{split}_set")
    task.eval()
    task.mlp = torch.nn.Identity()  # the prediction is what the head would get
    task.normalization = False
    pairs = [task.predict_and_target(batch) for batch in data.DataLoader(dataset, batch_size=16)]
    return tuple(torch.cat(column) for column in zip(*pairs))


def ridge(feature, target, test_feature, strength=0.3):
    """Prediction of a linear head, fitted exactly; `strength` keeps the weights small."""
    mean, scale = feature.mean(0), feature.std(0) + 1e-6
    x, test = ((f - mean) / scale for f in (feature, test_feature))
    weight = torch.linalg.solve(
        x.T @ x + strength * len(x) ** 0.5 * torch.eye(x.shape[1]), x.T @ (target - target.mean(0))
    )
    return test @ weight + target.mean(0)


def as_numbers(task, target):
    """Targets as a linear head can learn them: classes become columns."""
    if "ce" in task.criterion:
        return torch.nn.functional.one_hot(target.long().squeeze(-1), task.num_class[0]).float()
    return target
