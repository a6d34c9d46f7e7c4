"""From when on the host worries us, and how long what was seen of it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model.declared.block import Block
from reconciler.model.declared.scalars import Duration, Size

Share = Annotated[float, Field(gt=0, lt=1)]


class Low(Block):
    """So little is left. Both must be so: a tenth of a large disk is plenty, and a small one always has little."""

    share: Share = Field(description="Less than this part of the whole.")
    below: Size | None = Field(None, description="And less than this: bytes, or a number of inodes. Default: whatever the number.")


class Thresholds(Block):
    """Of something that runs out."""

    warning: Low
    bad: Low

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        below = (self.bad.below or 0, self.warning.below or 0)
        if self.bad.share > self.warning.share or (all(below) and below[0] > below[1]):
            raise ValueError("must have a `bad` that is not reached before `warning`")
        return self


class Load(Block):
    """A busy host is slow and not broken: there is no `bad`."""

    warning: Annotated[float, Field(gt=0, le=1000)] = Field(2.0, description="More processes per core that run or wait, over five minutes.")


class Validity(Block):
    """Of certificates."""

    warning: Duration = Field(timedelta(days=14), description="Less time left; most are renewed 30 days before.")
    bad: Duration = timedelta(days=3)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.bad > self.warning:
            raise ValueError("must have a `bad` that is not reached before `warning`")
        return self


class Rate(Block):
    """Of backups that failed within seven days."""

    warning: Share = 0.1
    bad: Share = Field(0.5, description="And at least three: one failure of one backup is no rate.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.bad < self.warning:
            raise ValueError("must have a `bad` that is not reached before `warning`")
        return self


def _limits(warning: float, bad: float, warning_below: int | None = None, bad_below: int | None = None) -> Thresholds:
    return Thresholds.model_construct(
        warning=Low.model_construct(share=warning, below=warning_below), bad=Low.model_construct(share=bad, below=bad_below)
    )


class HealthSettings(Block):
    """Thresholds of `reconcile health`, of the alerts about the host, and what is remembered."""

    cpu: Load = Field(default_factory=Load.model_construct)
    memory: Thresholds = Field(default_factory=lambda: _limits(0.10, 0.03), description="Available; default 0.1 and 0.03.")
    space: Thresholds = Field(
        default_factory=lambda: _limits(0.10, 0.03, 50 * 2**30, 10 * 2**30),
        description="Default: 0.1 and below 50GiB, 0.03 and below 10GiB.",
    )
    inodes: Thresholds = Field(
        default_factory=lambda: _limits(0.10, 0.03, 1_000_000, 100_000),
        description="Default: 0.1 and below 1000000, 0.03 and below 100000.",
    )
    certificate: Validity = Field(default_factory=Validity.model_construct)
    failures: Rate = Field(default_factory=Rate.model_construct)
    margin: Annotated[float, Field(ge=0, le=0.9)] = Field(
        0.1, description="By this part of a limit a value must be better than it before a check is."
    )
    looks: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="So many looks in a row must find it better; the loop looks every `observeEvery`."
    )
    history: Duration = Field(timedelta(days=90), description="How long readings and alerts that are over are kept.")
