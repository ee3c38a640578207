"""The task's losses and gradients against the formulas, one protein at a time, on real pairs.

A protein alone has no padding and no neighbour, so equality also says that neither matters, nor
the order of the batch. All settings are other than the defaults, so that each must arrive.
"""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from helpers import batch_of, tiny_model

from protclip_td.losses import gumbel_noise, mask_residues, mask_segments
from protclip_td.models.esm import MASK_ID
from protclip_td.tasks import ProteinTextPretraining

CRITERION = {"contrastive": 0.9, "bsr": 0.5, "mlm": 0.4, "pda": 1.1}
RATE, LENGTHS, TEMPERATURE, THRESHOLD = 0.3, (2, 4), 0.5, 0.5
NUM_PAIR = 5


@pytest.fixture
def entries(pairs):
    """Real pairs of different lengths; the third has a single property, so PDA leaves it out."""
    assert len({len(entry.sequence) for entry in pairs[:NUM_PAIR]}) > 1
    lone = replace(pairs[2], properties=(pairs[2].properties[0], "", "", ""))
    return [*pairs[:2], lone, *pairs[3:NUM_PAIR]]


@pytest.fixture
def task(tiny_protein_folder, tiny_text_folder):
    return ProteinTextPretraining(
        tiny_model(tiny_protein_folder, tiny_text_folder),
        criterion=CRITERION,
        mask_rate=RATE,
        segment_length=LENGTHS,
        prototype_temperature=TEMPERATURE,
        sparsity_threshold=THRESHOLD,
    )


def slow_terms(model, batch, generator, with_noise):
    """The four losses from the formulas, on the masks and the noise that the generator gives."""
    sizes = batch["graph"].num_residues
    lengths = sizes.tolist()
    tokens = model.residue_tokens(batch["graph"]).split(lengths)
    single = mask_residues(sizes, RATE, generator).split(lengths)
    segments = mask_segments(sizes, RATE, *LENGTHS, generator=generator).split(lengths)
    texts = [[text for text in row if text] for row in zip(*batch["property_text"].values())]
    noise = torch.zeros(sum(map(len, texts)), len(model.property_bank.prototype.weight))
    if with_noise:
        noise = gumbel_noise(tuple(noise.shape), generator)
    noise = noise.split([len(row) for row in texts])
    aligned = [
        slow_alignment(model, *each) for each in zip(tokens, texts, noise) if len(each[1]) >= 2
    ]
    return {
        "contrastive": slow_contrast(model, tokens, batch["biotext"]),
        "bsr": torch.cat(
            [slow_bsr(model, *each) for each in zip(tokens, segments, batch["biotext"])]
        ).mean(),
        "mlm": torch.cat([slow_mlm(model, *each) for each in zip(tokens, single)]).mean(),
        "pda": torch.stack(aligned).mean(),
    }


def states_of(model, tokens):
    """H of one protein, shape (L, d_p)."""
    return model.protein_encoder(tokens, torch.tensor([len(tokens)]))


def text_states(model, text):
    """U of one text, shape (T, d_t)."""
    return model.text_encoder.token_states([text])[0]


def slow_contrast(model, tokens, biotexts):
    z = [model.protein_projection(states_of(model, row).mean(0)) for row in tokens]
    u = [model.text_projection(text_states(model, text).mean(0)) for text in biotexts]
    cosine = torch.stack([torch.stack([F.cosine_similarity(a, b, dim=0) for b in u]) for a in z])
    return both_ways(model.logit_scale.exp() * cosine)


def both_ways(logits):
    """Mean of the two cross-entropies with the diagonal as target."""
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def slow_mlm(model, tokens, mask):
    states = states_of(model, tokens.masked_fill(mask, MASK_ID))[mask]
    return F.cross_entropy(model.mlm_head(states), tokens[mask], reduction="none")


def slow_bsr(model, tokens, mask, biotext):
    attention = model.biotext_attention
    residue = model.protein_projection(states_of(model, tokens.masked_fill(mask, MASK_ID))[mask])
    text = model.text_projection(text_states(model, biotext))
    scores = attention.query(residue) @ attention.key(text).T / residue.shape[-1] ** 0.5
    mixed = residue + scores.softmax(dim=1) @ attention.value(text)
    logits = model.reconstruction_head(F.layer_norm(mixed, mixed.shape[-1:]))
    return F.cross_entropy(logits, tokens[mask], reduction="none")


def slow_alignment(model, tokens, texts, noise):
    bank = model.property_bank.prototype.weight
    residue = model.protein_projection(states_of(model, tokens))
    segments, prototypes = [], []
    for text, row in zip(texts, noise):
        t = model.text_projection(text_states(model, text).mean(0))
        q = ((t @ bank.T + row) / TEMPERATURE).softmax(dim=0) @ bank
        score = residue @ q
        score = (score - score.min()) / (score.max() - score.min())
        weight = score * (score >= THRESHOLD)
        segments.append(weight / weight.sum() @ residue)
        prototypes.append(q)
    g, q = F.normalize(torch.stack(segments), dim=1), F.normalize(torch.stack(prototypes), dim=1)
    return both_ways(model.local_logit_scale.exp() * g @ q.T)


def test_training_gives_the_losses_and_gradients_of_the_formulas(task, entries):
    batch = batch_of(entries)
    torch.manual_seed(7)
    loss, metric = task(batch)
    torch.manual_seed(7)
    terms = slow_terms(task.model, batch, torch.default_generator, with_noise=True)
    for name, term in terms.items():
        torch.testing.assert_close(metric[f"{name} loss"], term.detach(), atol=1e-5, rtol=1e-4)
    expected = sum(CRITERION[name] * term for name, term in terms.items())
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-4)
    trained = [parameter for parameter in task.parameters() if parameter.requires_grad]
    found, wanted = (torch.autograd.grad(value, trained) for value in (loss, expected))
    for ours, theirs in zip(found, wanted):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_evaluation_takes_its_masks_from_the_rows_and_no_noise(task, entries):
    task.eval()
    batch = batch_of(entries, indices=range(40, 40 + NUM_PAIR))
    with torch.no_grad():
        pred = task.predict(batch)
        generator = torch.Generator().manual_seed(40)
        terms = slow_terms(task.model, batch, generator, with_noise=False)
    for name, term in terms.items():
        torch.testing.assert_close(pred[name][0], term, atol=1e-5, rtol=1e-4)
