"""The numbers of an epoch in a few lines of at most 80 columns."""

import textwrap

from protclip_td.training.listener import Row

_CHANCE = "chance "


def shorten(metrics: dict[str, float]) -> str:
    """Write losses side by side, without the word they share.

    Example::

        >>> shorten({"mlm loss": 2.91, "bsr loss": 2.5})
        'mlm 2.910  bsr 2.500'
    """
    return "  ".join(f"{_short(name)} {value:.3f}" for name, value in metrics.items())


def _short(name: str) -> str:
    return name.removesuffix(" loss") if name != "loss" else name


def epoch_report(row: Row, num_epoch: int) -> str:
    """Word an epoch row: losses, and the other metrics of the validation against chance.

    Parameters:
        row (dict): epoch row of ``metrics.jsonl``
        num_epoch (int): epochs of the whole training
    """
    seconds = f"{row['seconds']:.{0 if row['seconds'] >= 10 else 1}f}"
    head = f"epoch {row['epoch']}/{num_epoch}: step {row['step']}, {seconds} s"
    valid = _part(row, "valid ")
    losses = {name: value for name, value in valid.items() if name.endswith("loss")}
    others = {name: value for name, value in valid.items() if name not in losses}
    lines = [head, _line("train", shorten(_part(row, "train ")))]
    if losses:
        lines.append(_line("valid", shorten(losses)))
    return "\n".join([*lines, *_indent(metrics_table(others))])


def metrics_table(metrics: dict[str, float]) -> list[str]:
    """Lay out metrics; those with a chance level stand beside it, a column per direction.

    Parameters:
        metrics (dict): may hold ``chance X`` beside ``X`` or any number of ``<direction> X``

    Example::

        >>> print("\\n".join(metrics_table({"protein-to-text R@1": 0.25, "chance R@1": 0.05})))
                      protein-to-text           chance
        R@1                     0.250            0.050
    """
    names = [key.removeprefix(_CHANCE) for key in metrics if key.startswith(_CHANCE)]
    beginnings = list(dict.fromkeys(
        key.removesuffix(name)
        for name in names for key in metrics if f" {key}".endswith(f" {name}")
    ))  # fmt: skip
    beginnings.sort(key=lambda beginning: beginning == _CHANCE)
    width = max((12, *(len(name) + 1 for name in names)))
    headings = (beginning.strip() or "model" for beginning in beginnings)
    lines = [" " * width + "".join(f"{heading:>17}" for heading in headings)] if names else []
    for name in names:
        cells = (metrics.get(beginning + name) for beginning in beginnings)
        lines.append(f"{name:<{width}}" + "".join(f"{_number(name, cell):>17}" for cell in cells))
    shown = {beginning + name for beginning in beginnings for name in names}
    lines += [f"{name}  {value:.4f}" for name, value in metrics.items() if name not in shown]
    return lines


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if "rank" in name else f"{value:.3f}"


def _part(row: Row, prefix: str) -> dict[str, float]:
    return {key.removeprefix(prefix): row[key] for key in row if key.startswith(prefix)}


def _line(name: str, text: str) -> str:
    return textwrap.fill(f"  {name}  {text}", 80, subsequent_indent=" " * 9)


def _indent(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
