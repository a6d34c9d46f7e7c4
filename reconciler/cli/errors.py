"""What can go wrong between the command line and a person."""

from __future__ import annotations

from reconciler.base.errors import ReconcilerError, Refused


class AnswerLost(ReconcilerError):
    """The answer could not be written where standard output leads to; what the command did is done all the same."""

    code = "cli-answer-lost"
    hint = "Is the disk full that the output is redirected to? `reconcile status` and `reconcile events` tell it again."


class BinaryToTerminal(Refused):
    """The content of a file that is no text would reach a terminal, which obeys control characters."""

    code = "dump-binary-to-terminal"
    hint = "Redirect it into a file (`> FILE`); --force writes it to the terminal all the same."
