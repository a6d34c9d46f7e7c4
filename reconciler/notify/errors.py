"""What can go wrong with a delivery."""

from __future__ import annotations

from datetime import timedelta

from reconciler.base.errors import Fate, ReconcilerError


class NotifyError(ReconcilerError):
    """A message could not be delivered."""

    code = "notify-failed"
    hint = "`reconcile alerts test` tries every receiver and shows what each answers."
    retry = True
    after: timedelta | None = None
    """What the receiver asks to wait before the next try."""


class ReceiverUnreachable(NotifyError):
    """The host of a receiver does not answer, or not in time."""

    code = "notify-unreachable"
    hint = "Is the address right, and can this host reach it?"


class ReceiverBusy(NotifyError):
    """A receiver asks to be left alone for a while (429), or has a trouble of its own (5xx)."""

    code = "notify-busy"
    hint = "It is tried again by itself."

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class ReceiverDenies(NotifyError):
    """A receiver is gone, or does not let this program in."""

    code = "notify-denied"
    hint = "Was the webhook deleted, or has the password changed?"


class NoticeRefused(NotifyError):
    """A receiver answered that it does not take this message. It is not tried again."""

    code = "notify-refused"
    hint = "What does the receiver say? `reconcile alerts test` shows it."
    retry = False


class AddressForbidden(NotifyError):
    """The address of a receiver leads to where no alert belongs: link-local, multicast, or somewhere else by a redirect."""

    code = "notify-address-forbidden"
    hint = "Write the final address of the receiver into the spec."
    fate = Fate.REFUSED


class SecretUnusable(NotifyError):
    """The secret of a receiver cannot be had."""

    code = "notify-secret-unusable"
    hint = "Does the file exist, is it only its owner's, and is the variable set for this process?"


class ReceiverUnfit(NotifyError):
    """A receiver cannot be used as it is declared."""

    code = "notify-receiver-unfit"
    hint = "What does its block in the AlertPolicy say?"


class ReceiverHangs(NotifyError):
    """A delivery has not ended within its time limit."""

    code = "notify-hangs"
    hint = "It is not tried again before it has ended; other receivers are told all the same."
