"""Shared fixtures: small real data, tiny encoders made on the spot, and no network."""

import os
import socket
from urllib.error import URLError

import pytest
import torch

from protclip_td.compat.modules import torch_modules
from protclip_td.data.built_in import SAMPLE

# Read once, when some fixture is the first to import huggingface_hub; without it a name that does
# not exist is asked for five times. `HF_HUB_OFFLINE=0 pytest -m network` goes online.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
_LOCAL = ("127.0.0.1", "::1", "localhost", "0.0.0.0")


@pytest.fixture(autouse=True)
def no_network(monkeypatch, request):
    """Block every socket that would leave this machine (gloo needs the loopback)."""
    if "network" in request.keywords:
        return
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family != socket.AF_UNIX and address[0] not in _LOCAL:
            raise RuntimeError(f"a test tried to reach the network: {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def offline(monkeypatch):
    """No data file can be fetched, as on a machine without internet."""

    def urlopen(url, **_):
        raise URLError("no internet")

    monkeypatch.setattr("protclip_td.data.outside.remote.urlopen", urlopen)


@pytest.fixture(autouse=True)
def seeded():
    """The same random numbers in every test, whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def data_may_be_small():
    """Data sets made for tests are smaller than the published ones."""
    from protclip_td.datasets import PROBE, Reaction, STRINGActions
    from protclip_td.datasets.deepfri_files import ChainFiles

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(STRINGActions, "published", {})
        monkeypatch.setattr(STRINGActions, "known", {})
        monkeypatch.setattr(PROBE, "published", {})
        monkeypatch.setattr(ChainFiles, "least", {})
        monkeypatch.setattr(ChainFiles, "sizes", {})
        monkeypatch.setattr(Reaction, "label_size", None)
        yield


@pytest.fixture(scope="session")
def sample_path():
    """The built-in sample of 209 UniProtKB entries."""
    return SAMPLE


@pytest.fixture(scope="session")
def sample_entries():
    """The entries of the built-in sample that can be read as pairs."""
    from protclip_td.data.reading.readers import read_pairs

    return list(read_pairs(SAMPLE))


@pytest.fixture(scope="session")
def pairs(sample_entries):
    """16 real entries of at most 200 residues with different sequences and biotexts."""
    chosen, seen = [], set()
    for entry in sample_entries:
        keys = {entry.sequence, entry.biotext}
        if len(entry.sequence) <= 200 and not keys & seen:
            chosen.append(entry)
            seen |= keys
    return chosen[:16]


@pytest.fixture(scope="session")
def tiny_protein_folder(tmp_path_factory):
    """A transformers folder with a random ESM-2 of 2 layers x 32."""
    from transformers import EsmConfig, EsmModel

    folder = tmp_path_factory.mktemp("tiny_protein")
    config = EsmConfig(
        vocab_size=33,
        mask_token_id=32,
        pad_token_id=1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=1026,
        position_embedding_type="rotary",
        token_dropout=True,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
    )
    with torch.random.fork_rng(), torch_modules():
        torch.manual_seed(1)
        EsmModel(config, add_pooling_layer=False).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def tiny_text_folder(tmp_path_factory):
    """A transformers folder with a random BERT of 2 layers x 24 and a WordPiece tokenizer."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny_text")
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    words = ["protein", "name", "function", "subcellular", "location", "similarity", "belongs",
             "to", "the", "family", "cell", "membrane", "binding", "of", "and", "in"]  # fmt: skip
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters]
    vocabulary += ["##" + letter for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=512,
    )
    with torch.random.fork_rng(), torch_modules():
        torch.manual_seed(2)
        BertModel(config).save_pretrained(folder)
        BertTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    return str(folder)
