"""What a repository takes where it lies, counted once in a while: a listing of every object costs more than a look."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Stock(Struct, frozen=True):
    """Of one repository, everybody's objects together."""

    repository: str
    at: datetime
    objects: int
    bytes: int
    seconds: float
    """How long counting took."""
