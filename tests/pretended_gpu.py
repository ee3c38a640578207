"""A GPU that is not there, to find on any machine where tensors of two devices would meet.

Inside `pretended_gpu()` tensors on "cuda:0" are computed on the CPU. They say that they are on the
GPU, give no NumPy array, and refuse to meet a tensor that is not there, as on a real GPU.

It shows nothing of speed, memory, CUDA's own kernels and random numbers, mixed precision, several
processes, or the backward pass, in which PyTorch makes tensors that Python does not see. Operations
that do without PyTorch's dispatcher fail on it (torch_scatter's maximum and minimum).
"""

from contextlib import ExitStack, contextmanager, nullcontext
from unittest import mock

import torch
import torch._dynamo  # Optimizers import it, and cannot while torch.cuda is changed.
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

GPU = torch.device("cuda:0")
CPU = torch.device("cpu")

_aten = torch.ops.aten
# They move values between devices by definition.
_MOVES = {_aten.copy_.default, _aten._to_copy.default}
# PyTorch gives it zeros that it has made below Python.
_MAKES_ITS_OWN = {_aten._sparse_addmm.default}
_INDEXING = {_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default}


class OnGPU(torch.Tensor):
    """A tensor whose values lie in another one on the CPU, `inner`."""

    device = GPU
    is_cuda = True
    is_cpu = False

    @staticmethod
    def __new__(cls, inner):
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            requires_grad=inner.requires_grad,
        )
        tensor.inner = inner
        return tensor

    def __repr__(self):
        return f"OnGPU({self.inner!r})"

    def get_device(self):
        return GPU.index

    def data_ptr(self):
        return self.inner.data_ptr()

    def tolist(self):
        return self.inner.tolist()

    def numpy(self, *_, **__):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    __array__ = numpy

    def __reduce_ex__(self, protocol):
        return self.inner.__reduce_ex__(protocol)

    def __deepcopy__(self, _):
        copy = OnGPU(self.inner.detach().clone())
        if isinstance(self, torch.nn.Parameter):
            return torch.nn.Parameter(copy, self.requires_grad)
        return copy.requires_grad_(self.requires_grad)

    @classmethod
    def __torch_dispatch__(cls, operation, _, args=(), kwargs=None):
        return _compute(operation, args, kwargs or {})


class _ToGPU(torch.autograd.Function):
    @staticmethod
    def forward(_, tensor):
        return OnGPU(tensor.detach().clone())

    @staticmethod
    def backward(_, gradient):
        return _inner(gradient)


class _ToCPU(torch.autograd.Function):
    @staticmethod
    def forward(_, tensor):
        return tensor.inner.detach().clone()

    @staticmethod
    def backward(_, gradient):
        return _placed(gradient, GPU)


class _Devices(TorchFunctionMode):
    """Carries out whatever names a device, which PyTorch would refuse without CUDA."""

    def __torch_function__(self, function, _, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function is torch.device and isinstance(args[0], int):
            return torch.device("cuda", args[0])
        if function is torch.Tensor.cuda:
            return _placed(args[0], GPU)
        if function is torch.Tensor.cpu:
            return _placed(args[0], CPU)
        if function is torch.Tensor.to:
            return _to(*args, **kwargs)
        if function.__name__.startswith("new_"):
            device = torch.device(kwargs.pop("device", None) or args[0].device)
            # Without its gradient, which would come along in a wrapped tensor.
            return _placed(function(_inner(args[0]).detach(), *args[1:], **kwargs), device)
        device = kwargs.get("device")
        if device is None or torch.device(device).type == "meta":
            return function(*args, **kwargs)
        if any(_on_gpu(given) for given in tree_leaves((args, kwargs))):
            del kwargs["device"]
        else:
            kwargs["device"] = CPU
        return _placed(function(*args, **kwargs), torch.device(device))


@contextmanager
def pretended_gpu():
    """Let PyTorch see one GPU, `GPU`."""
    state = torch.zeros(16, dtype=torch.uint8)
    replaced = {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: GPU.index,
        "get_rng_state": lambda *_: state,
        "device": _NoDevice,
        **dict.fromkeys(("set_rng_state", "set_device", "manual_seed"), lambda *_: None),
        **dict.fromkeys(("manual_seed_all", "empty_cache", "_lazy_init"), lambda *_: None),
    }
    # Parameters keep their identity on the way to the GPU, as on a real one: optimizers hold them.
    swap = torch.__future__.get_swap_module_params_on_conversion()
    with ExitStack() as stack:
        for name, function in replaced.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, function))
        torch.__future__.set_swap_module_params_on_conversion(True)
        stack.callback(torch.__future__.set_swap_module_params_on_conversion, swap)
        stack.enter_context(_Devices())
        yield


class _NoDevice(nullcontext):
    """Stands in for `torch.cuda.device`, which is a class."""


def _on_gpu(value):
    return isinstance(value, OnGPU)


def _inner(value):
    return value.inner if _on_gpu(value) else value


def _placed(values, device):
    """Tensors on a device, moved there if they are not."""

    def place(tensor):
        if _on_gpu(tensor) == (device.type == "cuda"):
            return tensor
        return (_ToCPU if _on_gpu(tensor) else _ToGPU).apply(tensor)

    return tree_map_only(torch.Tensor, place, values)


def _to(tensor, *args, **kwargs):
    """`Tensor.to` with a device, a type, both, or another tensor."""
    if args and isinstance(args[0], torch.Tensor):
        args = (args[0].device, args[0].dtype, *args[1:])
    device, dtype, *_ = torch._C._nn._parse_to(*args, **kwargs)
    if device is not None and device.type == "meta":
        return torch.empty_like(_inner(tensor), dtype=dtype, device=device)
    if dtype is not None and dtype != tensor.dtype:
        tensor = tensor.type(dtype)
    return tensor if device is None else _placed(tensor, device)


def _compute(operation, args, kwargs):
    """Compute on the CPU; the result is on the GPU if anything given is."""
    given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    is_backward = torch._C._current_graph_task_id() != -1
    if not is_backward and operation not in _MOVES | _MAKES_ITS_OWN:
        _refuse_two_devices(operation, args, given)
    plain_args, plain_kwargs = tree_map_only(OnGPU, _inner, (args, kwargs))
    result = operation(*plain_args, **plain_kwargs)
    # What was changed in place comes back as it was given.
    given_as = {id(_inner(tensor)): tensor for tensor in given}
    stays = operation is _aten.copy_.default and not _on_gpu(args[0])

    def place(tensor):
        if id(tensor) in given_as:
            return given_as[id(tensor)]
        return tensor if stays or _on_gpu(tensor) else OnGPU(tensor)

    return tree_map_only(torch.Tensor, place, result)


def _refuse_two_devices(operation, args, given):
    # Single numbers may come from anywhere, and so may indices of a tensor on the GPU.
    wrong = [tensor for tensor in given if tensor.dim() and not _on_gpu(tensor)]
    if operation in _INDEXING and _on_gpu(args[0]):
        wrong = [tensor for tensor in wrong if all(tensor is not index for index in args[1])]
    if wrong:
        shapes = [tuple(tensor.shape) for tensor in wrong]
        raise RuntimeError(f"{operation} met tensors of shape {shapes} on the CPU with some on GPU")
