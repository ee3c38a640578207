"""From a YAML file and flags to a checked configuration."""

import traceback
from pathlib import Path
from typing import Any

from easydict import EasyDict

from protclip_td.config.document import Document, read_document
from protclip_td.config.flags import parse_flags
from protclip_td.config.mistakes import Mistake, report
from protclip_td.config.template import Rendered, render
from protclip_td.config.variant import Source, read_source
from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean


class Config(EasyDict):
    """A checked configuration: keys of the YAML file as attributes.

    Besides the keys it has `rendered` (str, the YAML text without jinja), which is no key.

    Example::

        >>> config = load_config("pretrain", ["--batch_size", "16"])
        >>> config.engine.batch_size
        16
    """

    rendered: str


def load_config(path: str | Path, flags: list[str] | None = None) -> Config:
    """Read a configuration, fill in its variables and check all of it.

    Parameters:
        path (str or Path): a file, or the name of a shipped configuration (``pretrain``)
        flags (list of str, optional): ``["--batch_size", "16"]``, one for each variable to set

    Returns:
        Config: the configuration

    Raises:
        InputError: there is no such file, or everything that is wrong with it and the flags
    """
    source = read_source(find_config(path))
    given, mistakes = parse_flags(flags or [], source.variables)
    rendered = _render(source, given, mistakes)
    document = read_document(rendered.text)
    found = list(document.mistakes) or _check(document)
    mistakes += [_in_source(mistake, rendered) for mistake in found]
    if mistakes:
        raise report(source if source.base else path, mistakes)
    return _make(document.values, source.path.stem, rendered.text)


def _check(document: Document) -> list[Mistake]:
    """What is wrong with the content, with the encoder's block in place of its name."""
    from protclip_td.config.check import check  # imports TorchDrug
    from protclip_td.config.encoder import expand_encoder

    return [*expand_encoder(document), *check(document)]


def find_config(path: str | Path) -> Path:
    """The file of that name, or else the shipped configuration of that name.

    Parameters:
        path (str or Path): a file, or a shipped configuration: ``downstream/bin``, or ``bin``

    Raises:
        InputError: neither exists; names the shipped ones
    """
    if Path(path).expanduser().is_file():
        return Path(path).expanduser()
    shipped = shipped_configs()
    name = str(path).removeprefix("yaml_configs/").removesuffix(".yaml")
    short = {key.rpartition("/")[2]: file for key, file in reversed(shipped.items())}
    if name in shipped or name in short:
        return shipped.get(name) or short[name]
    hint = did_you_mean(name, [*shipped, *short])
    raise InputError(f"there is no configuration {path}: neither a file nor a shipped one{hint}")


def shipped_configs() -> dict[str, Path]:
    """The configurations that come with the package, by name (``downstream/bin``)."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "yaml_configs"  # an editable install keeps them beside the package
    folder = inside if inside.is_dir() else package.parent / "yaml_configs"
    files = sorted(folder.rglob("*.yaml"))
    return {str(file.relative_to(folder).with_suffix("")): file for file in files}


def _render(source: Source, given: dict[str, Any], mistakes: list[Mistake]) -> Rendered:
    """Fill in the variables, noting the missing ones."""
    try:
        rendered = render(source.text, {**source.values, **given})
    except Exception as error:  # what stands in {{ }} may raise anything, as Python does
        mistake = Mistake("jinja", str(error), _template_line(error))
        raise report(source, [*mistakes, mistake]) from error
    for name in rendered.missing:
        mistakes.append(Mistake(f"--{name}", "needed: the configuration has no default for it"))
    return rendered


def _template_line(error: Exception) -> int | None:
    """The line of the file that an error comes from, which jinja puts into its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in frames if frame.filename == "<template>"), None)


def _in_source(mistake: Mistake, rendered: Rendered) -> Mistake:
    """The mistake with its line in the file as written, before jinja."""
    if mistake.line is None or not rendered.lines:
        return mistake
    line = rendered.lines[min(mistake.line, len(rendered.lines)) - 1]
    return mistake._replace(line=line)


def _make(values: dict[str, Any], name: str, text: str) -> Config:
    values.setdefault("engine", {})
    values["engine"] = values["engine"] or {}
    values["output_dir"] = values.get("output_dir") or f"runs/{name}"
    config = Config(values)
    object.__setattr__(config, "rendered", text)  # EasyDict's own would make a key of it
    return config
