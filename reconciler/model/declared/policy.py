"""How backups are taken and kept: schedule, retention, compression, checksums, repositories, guard, hooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from reconciler.model.declared.block import Block, Items, UniqueItems
from reconciler.model.declared.scalars import Argv, Cron, Duration, Name, PathText, Zone

Keep = Annotated[int, Field(ge=0, le=100_000)]
CLOCK_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
Clocktime = Annotated[str, Field(pattern=CLOCK_PATTERN)]


class Trigger(Block):
    """When a kind of backup is due: after a duration, or at calendar moments."""

    every: Duration | None = Field(None, description="Due when the newest snapshot that counts is this old.")
    cron: Cron | None = Field(None, description="Due at the moments of a five-field cron expression.")
    timezone: Zone | None = Field(None, description="IANA zone of `cron`; default UTC.")

    @model_validator(mode="after")
    def _one_of(self) -> Trigger:
        if (self.every is None) == (self.cron is None):
            raise ValueError("must have exactly one of `every` and `cron`")
        if self.timezone is not None and self.cron is None:
            raise ValueError("may have a `timezone` only beside `cron`")
        return self


class Window(Block):
    """When heavy work may begin. What the RPO needs never waits for it. Of a time that autumn shows twice the first counts; a time that
    spring skips is the moment of the change."""

    begin: Clocktime = Field(description="First minute, `22:00`.")
    end: Clocktime = Field(description="First minute no longer in it; earlier than `begin` means the next day.")
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _not_empty(self) -> Window:
        if self.begin == self.end:
            raise ValueError("must have a `begin` that differs from its `end`")
        return self


class Schedule(Block):
    """When each kind of backup is taken."""

    full: Trigger | None = Field(None, description="Reads every byte again.")
    differential: Trigger | None = Field(None, description="Reads what changed since the newest full.")
    incremental: Trigger | None = Field(None, description="Reads what changed since the newest snapshot.")
    catch_up: Literal["once", "skip"] | None = Field(None, description="Missed moments: one backup at once (default), or wait.")
    window: Window | None = None
    jitter: Duration | None = Field(
        None,
        description="So that equal schedules spread: each system begins up to so much later than a `cron` moment, or earlier than `every`, "
        "always by the same.",
    )


class Retention(Block):
    """Which snapshots stay. Rules only add reasons to keep; an empty retention keeps everything."""

    keep_within: Duration | None = Field(None, description="Everything younger than this.")
    last: Keep | None = Field(None, description="The newest so many.")
    hourly: Keep | None = Field(None, description="The newest of each of the last so many hours (UTC) that have one.")
    daily: Keep | None = None
    weekly: Keep | None = Field(None, description="ISO weeks, UTC.")
    monthly: Keep | None = None
    yearly: Keep | None = None
    minimum: Keep | None = Field(None, description="Never fewer good snapshots than this, whatever the rules say.")


class Compression(Block):
    """How segments are compressed; data that does not compress is stored as it is."""

    algorithm: Literal["zstd", "gzip", "none"] | None = None
    level: Annotated[int, Field(ge=-7, le=22)] | None = Field(None, description="zstd -7..22 (default 2), gzip 1..9 (default 6).")

    @model_validator(mode="after")
    def _level_fits(self) -> Compression:
        if self.level is not None and self.algorithm == "gzip" and not 1 <= self.level <= 9:
            raise ValueError("must have a gzip `level` from 1 to 9")
        if self.level is not None and self.algorithm == "none":
            raise ValueError("may not have a `level` with algorithm none")
        return self


class GuardLimits(Block):
    """What holds deletion back: changes of retention above these numbers until a person approves them, suspect snapshots until one accepts
    them.
    """

    max_forget_percent: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="Of at least 10 snapshots; default 30.")
    max_forget_count: Annotated[int, Field(ge=1)] | None = Field(None, description="Default 50.")
    anomalies: bool | None = Field(None, description="Hold each snapshot against the history of its system; default true.")
    canaries: UniqueItems[PathText] | None = Field(None, description="Absolute paths of files that nobody has a reason to touch.")

    @field_validator("canaries")
    @classmethod
    def _absolute(cls, paths: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for path in paths or ():
            if not path.startswith("/") and path[1:3] not in {":/", ":\\"}:
                raise ValueError(f"must name each canary by its absolute path, not '{path}'")
        return paths


class Hook(Block):
    """A command around a backup; runs only where the host allows it."""

    command: Argv = Field(description="argv: the full path of a program and its arguments. No shell.")
    timeout: Duration = Field("10m", validate_default=True, description="Then it is ended, with all that it started.")


class Hooks(Block):
    """Commands around each backup, one after the other. `before` that fails stops the backup; `after` always runs."""

    before: Annotated[Items[Hook], Field(max_length=20)] | None = Field(None, description="Freeze, dump, mount: before anything is read.")
    after: Annotated[Items[Hook], Field(max_length=20)] | None = Field(
        None, description="Thaw, clean up, unmount: whatever became of the backup; RECONCILER_OUTCOME tells."
    )


class PolicyBlocks(Block):
    """The blocks that a BackupPolicy gives and a System may override key by key."""

    schedule: Schedule | None = None
    retention: Retention | None = None
    compression: Compression | None = None
    checksums: UniqueItems[Literal["sha256", "md5"]] | None = Field(
        None, description="Recorded per file, for `sha256sum -c` after a restore."
    )
    repositories: UniqueItems[Name] | None = Field(None, description="The first is primary, the others hold copies.")
    guard: GuardLimits | None = None
    hooks: Hooks | None = None


class BackupPolicySpec(PolicyBlocks):
    """How backups are taken and kept."""
