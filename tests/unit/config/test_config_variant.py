"""A configuration that is another one with values of its own."""

import pytest

from protclip_td.config import find_config, load_config, manual
from protclip_td.errors import InputError


@pytest.fixture
def variant(write, tmp_path):
    """Write a base with two variables, and a variant of it."""
    write(
        ("output_dir: ~", "# The base.\noutput_dir: ~"),
        ("  lr: 1.0e-4", "  lr: {{ lr | default(1e-4) }}  # learning rate"),
        ("max_length: 30", "max_length: {{ max_length }}"),
    )

    def write_variant(text):
        path = tmp_path / "variant.yaml"
        path.write_text(text)
        return path

    return write_variant


GOOD = "# The variant.\nbase: config.yaml\nset: {lr: 1e-3, max_length: 20}\n"


def test_set_gives_defaults_and_flags_win(variant):
    path = variant(GOOD)
    config = load_config(path)
    assert config.optimizer.lr == 1e-3
    assert config.dataset.transform.transforms[1].max_length == 20
    assert load_config(path, ["--lr", "0.5"]).optimizer.lr == 0.5
    assert "base" not in config


def test_rendered_text_stands_alone(variant, tmp_path):
    alone = tmp_path / "alone.yaml"
    alone.write_text(load_config(variant(GOOD)).rendered)
    assert load_config(alone).optimizer.lr == 1e-3


def test_null_and_words_that_yaml_would_misread(variant):
    text = "base: config.yaml\nset: {max_length: null, lr: 1}\n"
    assert load_config(variant(text)).dataset.transform.transforms[1].max_length is None
    with pytest.raises(InputError, match=r"lr: expected a number, got 'a: b #c' \(string\)"):
        load_config(variant(text.replace("lr: 1", "lr: 'a: b #c'")))


def test_manual_shows_both_headers_and_the_new_defaults(variant):
    lines = manual.describe(variant(GOOD)).splitlines()
    assert lines[2:7] == ["The variant.", "", "It is a variant of config.yaml:", "", "The base."]
    assert "  --lr          learning rate (default: 0.001)" in lines
    assert lines[-2].strip().startswith("--max_length  (default: 20)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: gone.yaml\n", r"line 1: base: there is no file 'gone\.yaml' beside this one"),
        ("base: [a]\n", r"line 1: base: there is no file \['a'\] beside this one"),
        ("base: variant.yaml\n", r"line 1: base: variant\.yaml is a variant itself; name the file"),
        (
            "base: config.yaml\nsett: {}\n",
            "line 2: sett: unknown key in a variant; did you mean `",
        ),
        ("base: config.yaml\nset: 3\n", "line 2: set: expected variables with values"),
        (
            "base: config.yaml\nset:\n  max_lenght: 3\n",
            "line 3: set.max_lenght: the base has no such variable; did you mean `max_length`?",
        ),
        ("base: config.yaml\nset: {a: 1\n", "YAML: "),
        ("base: config.yaml\nbase: config.yaml\n", "line 2: base: stands twice"),
    ],
)
def test_mistakes_of_a_variant(variant, text, message):
    with pytest.raises(InputError, match=rf"variant\.yaml has \d mistakes?\n  .*{message}"):
        load_config(variant(text))


def test_mistakes_beneath_name_the_file_whose_lines_they_count(variant):
    message = (
        r"variant\.yaml \(lines of config\.yaml\) has 2 mistakes\n"
        r"  line 32: optimizer\.lr: expected a number, got 'fast'.*\n"
        r"  --lrr: unknown flag; did you mean --lr\?"
    )
    with pytest.raises(InputError, match=message):
        load_config(variant(GOOD), ["--lr", "fast", "--lrr", "1"])


def test_shipped_configurations_by_their_last_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config("residue") == find_config("yaml_configs/downstream/residue.yaml")
    with pytest.raises(InputError, match="did you mean `residue`"):
        find_config("residu")
