"""Reads pickles from outside without running code.

A pickle is a program: it may call any function there is. Data sets published as LMDB need very
little of that: text, numbers, lists, dicts, and NumPy's arrays and scalars. Their pickles name a
few functions of NumPy, and here these names stand for plain records, of which the arrays are made
only afterwards, from bytes, a shape and the name of a simple type. Any other name is refused.
"""

import io
import math
import pickle
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from protclip_td.errors import InputError

# Kinds of NumPy types without references to objects: truth values, numbers, bytes and text.
_PLAIN_KINDS = "biufcSU"


def loads(content: bytes, allowed: Mapping[tuple[str, str], Any] | None = None) -> Any:
    """Read a pickle from bytes; see `load`.

    Example::

        >>> loads(pickle.dumps({"primary": "MKV", "stability_score": np.array([0.5])}))
        {'primary': 'MKV', 'stability_score': array([0.5])}
    """
    return load(io.BytesIO(content), allowed)


def load(file: IO[bytes], allowed: Mapping[tuple[str, str], Any] | None = None) -> Any:
    """Read the next pickle of a file, made of plain values and NumPy arrays.

    Parameters:
        file (file): opened for bytes
        allowed (dict, optional): what further names stand for, by module and name

    Returns:
        object: the value

    Raises:
        InputError: the pickle names anything else, or is damaged
    """
    try:
        return _made(_Unpickler(file, allowed or {}).load())
    except InputError:
        raise
    # What a damaged or forged pickle makes of the unpickler is not foreseeable.
    except Exception as error:
        raise InputError(f"the pickle is damaged ({type(error).__name__}: {error})") from error


class _Unpickler(pickle.Unpickler):
    """Knows a few names, and looks none up."""

    def __init__(self, file: IO[bytes], allowed: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(file)
        self.allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for; nothing is imported."""
        known = _NUMPY.get((module.replace("numpy._core", "numpy.core"), name))
        found = known or self.allowed.get((module, name))
        if found is None:
            raise InputError(
                f"a pickle asks for {module}.{name}, which may run code when it is read. Data from "
                "outside is read only if it holds text, numbers and arrays"
            )
        return found

    def persistent_load(self, key: Any) -> Any:
        """Pickles of data sets have no parts outside of themselves."""
        raise InputError("a pickle refers to something outside of itself")


class _Type:
    """A NumPy type on its way: made from its code, then told its byte order."""

    __slots__ = ("order", "text")

    def __init__(self, text: str, *flags: Any) -> None:
        self.text = text
        self.order: Any = "="

    def __setstate__(self, state: tuple) -> None:
        _, order, *parts = state
        if any(part is not None for part in parts[:3]):
            raise InputError("a pickle holds a NumPy type made of several")
        self.order = order

    def make(self) -> np.dtype:
        dtype = np.dtype(self.text)
        if dtype.kind not in _PLAIN_KINDS:
            raise InputError(f"a pickle holds an array of {dtype}; expected numbers or text")
        return dtype if self.order == "|" else dtype.newbyteorder(self.order)


class _Array:
    """A NumPy array on its way; its content comes as state."""

    __slots__ = ("state",)

    def __init__(self, *empty: Any) -> None:
        self.state: tuple = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def make(self) -> np.ndarray:
        _, shape, dtype, is_fortran, content = self.state
        return _array(content, dtype, shape, "F" if is_fortran else "C")


class _Buffer:
    """A NumPy array on its way, as the newest pickle protocol spells it."""

    __slots__ = ("content", "dtype", "order", "shape")

    def __init__(self, content: bytes, dtype: _Type, shape: tuple, order: str) -> None:
        self.content, self.dtype, self.shape, self.order = content, dtype, shape, order

    def make(self) -> np.ndarray:
        return _array(self.content, self.dtype, self.shape, self.order)


class _Scalar:
    """A NumPy scalar on its way."""

    __slots__ = ("content", "dtype")

    def __init__(self, dtype: _Type, content: bytes) -> None:
        self.dtype, self.content = dtype, content

    def make(self) -> Any:
        return np.frombuffer(self.content, self.dtype.make())[0]


class _Latin1:
    """Bytes, as the older pickle protocols spell them."""

    __slots__ = ()

    def __call__(self, text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise InputError(f"a pickle asks for the encoding {encoding!r}")
        return text.encode("latin1")


_NUMPY = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): "numpy.ndarray",  # only ever named as the kind of array to make
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _Buffer,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("_codecs", "encode"): _Latin1(),
}


def _array(content: bytes, dtype: _Type, shape: tuple, order: Any) -> np.ndarray:
    plain = dtype.make()
    if len(content) != math.prod(shape) * plain.itemsize:
        raise InputError("a pickle holds an array of another size than its content")
    return np.frombuffer(content, plain).copy().reshape(shape, order=order)


def _made(value: Any) -> Any:
    """The value with its arrays and scalars made."""
    if isinstance(value, (_Array, _Buffer, _Scalar)):
        return value.make()
    if isinstance(value, dict):
        return {_made(key): _made(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_made(item) for item in value)
    return value
