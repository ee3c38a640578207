"""The names of the three parts of every data set."""

#: In the order in which TorchDrug's `split` gives them.
SPLITS = ("train", "valid", "test")
