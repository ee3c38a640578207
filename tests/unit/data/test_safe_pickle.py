"""Pickles from outside: what data sets hold comes back the same, and nothing else is read."""

import os
import pickle
import struct
import subprocess
from collections import OrderedDict

import numpy as np
import pytest

from protclip_td.data.outside.safe_pickle import load, loads
from protclip_td.errors import InputError

RECORD = {
    "id": b"0",
    "primary": "MKV",
    "protein_length": 3,
    "log_fluorescence": np.array([3.5], dtype=np.float32),
    "scaled_effect1": np.float64(-0.25),
    "solvent_accessibility": np.array([[1, 2], [3, 4]], dtype=">i2", order="F"),
    "names": np.array(["A", "BC"]),
    "valid_mask": np.array([True, False]),
    "nested": [{"pair": (1, None, 2.5)}, []],
}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_records_come_back_the_same(protocol):
    read = loads(pickle.dumps(RECORD, protocol))
    assert list(read) == list(RECORD)
    for key, value in RECORD.items():
        assert type(read[key]) is type(value)
        if isinstance(value, np.ndarray):
            assert read[key].dtype == value.dtype
            np.testing.assert_array_equal(read[key], value)
            assert read[key].flags.writeable
        else:
            assert read[key] == value


def test_several_pickles_of_a_file(tmp_path):
    path = tmp_path / "several.pkl"
    path.write_bytes(pickle.dumps(2) + pickle.dumps("MKV"))
    with path.open("rb") as file:
        assert (load(file), load(file)) == (2, "MKV")
        with pytest.raises(InputError, match=r"the pickle is damaged \(EOFError"):
            load(file)


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch touched",)),
        (eval, ("open('touched', 'w')",)),
        (subprocess.run, (["touch", "touched"],)),
        (np.load, ("touched.npy", None, True)),
        (getattr, ("", "join")),
        (OrderedDict, ()),
    ],
)
def test_no_function_is_called(function, arguments, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"primary": Attack(function, *arguments)}, protocol)
    with pytest.raises(InputError, match=r"a pickle asks for [\w.]+, which may run code"):
        loads(content)
    assert not list(tmp_path.iterdir())


def forged_array(shape, state_of_type, content):
    """A pickle of an array whose type claims to be something."""
    reconstruct = np.zeros(1).__reduce__()[0]

    class Type:
        def __reduce__(self):
            return np.dtype, ("V8", False, True), state_of_type

    class Array:
        def __reduce__(self):
            return reconstruct, (np.ndarray, (0,), b"b"), (1, shape, Type(), False, content)

    return pickle.dumps(Array())


def test_arrays_of_objects_and_forged_types_are_refused():
    """A structured type may claim that its bytes are addresses of objects."""
    fields = {"a": (np.dtype("O"), 0)}
    state = (3, "|", None, ("a",), fields, 8, 1, 0)
    with pytest.raises(InputError, match="a NumPy type made of several"):
        loads(forged_array((1,), state, struct.pack("P", 0x41414141)))
    plain = (3, "|", None, None, None, 8, 1, 0)
    with pytest.raises(InputError, match=r"array of \|V8; expected numbers or text"):
        loads(forged_array((1,), plain, b"12345678"))
    with pytest.raises(InputError, match="array of object"):
        loads(pickle.dumps(np.array([None, {}])))


def test_sizes_that_do_not_fit():
    content = pickle.dumps(np.zeros(4, np.float32))
    forged = content.replace(b"K\x04\x85", b"K\x40\x85")
    assert forged != content
    with pytest.raises(InputError, match="another size than its content"):
        loads(forged)


def test_damaged_pickles():
    content = pickle.dumps(RECORD)
    for damaged in (b"", content[: len(content) // 2], b"\x80\x05" + os.urandom(40) + b"."):
        with pytest.raises(InputError, match=r"damaged|may run code|outside of itself"):
            loads(damaged)


def test_endless_lists_end():
    endless = []
    endless.append(endless)
    with pytest.raises(InputError, match=r"damaged .RecursionError"):
        loads(pickle.dumps(endless))


def test_codecs_are_not_open_to_all():
    with pytest.raises(InputError, match="encoding 'rot13'"):
        loads(b"c_codecs\nencode\n(Vtext\nVrot13\ntR.")


def test_what_the_caller_allows():
    content = pickle.dumps(OrderedDict(a=1))
    assert loads(content, {("collections", "OrderedDict"): OrderedDict}) == {"a": 1}
