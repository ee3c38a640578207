"""How often a pair of a store comes in an epoch."""

from typing import Any

import numpy as np

from protclip_td.data.sampling.property_driven import entry_weight
from protclip_td.data.sampling.rule import rule_for
from protclip_td.properties import CONFIDENCES, COVERAGES


def expected_epochs(manifest: dict[str, Any]) -> np.ndarray:
    """How often an entry of each group comes in an epoch of as many draws as there are entries.

    It is so in training with `datasets.ProtAnno` and none of its options, as both go by the same
    rule.

    Parameters:
        manifest (dict): of a store

    Returns:
        array: by confidence and coverage, 0 where there is no training entry, shape :math:`(5, 4)`

    Example:
        Half of the entries weigh 1 and half 1/3: they come 1.5 and 0.5 times.
    """
    counts = training_counts(manifest)
    weight = entry_weight(
        np.array(CONFIDENCES)[:, None],
        np.array(COVERAGES)[None, :],
        *rule_for(manifest["options"]).exponents,
    )
    return np.where(counts > 0, weight * counts.sum() / max((weight * counts).sum(), 1e-300), 0.0)


def training_counts(manifest: dict[str, Any]) -> np.ndarray:
    """Entries to train on by confidence and coverage, shape :math:`(5, 4)`."""
    rule = rule_for(manifest["options"])
    counts = np.array(manifest["splits"]["train"])
    confidences = np.isin(CONFIDENCES, list(rule.confidences))
    coverages = np.isin(COVERAGES, list(rule.coverages))
    return np.where(np.outer(confidences, coverages), counts, 0)
