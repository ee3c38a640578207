"""The two ways a run ends on purpose: wrong input, and training that must not go on."""


class InputError(ValueError):
    """Wrong input from the user.

    The message is the whole story: what was given, what was expected, where, and what to do.
    The command line prints it alone, without a traceback, and exits with status 2.
    """


class TrainingError(RuntimeError):
    """Training stopped because going on would waste the run, such as on a NaN loss.

    The message names the step and where the last good checkpoint lies. The command line prints
    it alone and exits with status 1.
    """
