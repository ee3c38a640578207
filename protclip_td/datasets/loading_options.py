"""The options of TorchDrug's `load_sequence`, for the constructors of data sets that call it."""

from torchdrug import data, utils

#: Class decorator: `**kwargs` are these options, in the signature and in the docstring.
loading_options = utils.copy_args(
    data.ProteinDataset.load_sequence, ignore=("sequences", "targets", "attributes")
)
