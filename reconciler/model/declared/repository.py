"""Where backups live."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.model.declared.block import Block, Items
from reconciler.model.declared.policy import Window
from reconciler.model.declared.scalars import Duration, EndpointText, PathText, PlaceText, Size, Text
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.declared.system import FailureDomain


class Key(SecretFrom):
    """Where the key of the repository comes from: exactly one of file, env, command. The key itself never stands in a spec."""

    command: Annotated[Items[Text], Field(min_length=1)] | None = Field(
        None, description="argv whose output is the key; runs only where the host allows it."
    )
    kind: Literal["raw", "passphrase"] = Field("raw", description="raw: 32 random bytes as 64 hex digits; passphrase: words.")


class Credentials(Block):
    """Who asks the place. They are looked up again when the place refuses them, so they may be replaced while the loop runs."""

    access: SecretFrom | None = Field(None, description="s3: the access key id. Default: AWS_ACCESS_KEY_ID.")
    secret: SecretFrom | None = Field(None, description="s3: the secret access key (default: AWS_SECRET_ACCESS_KEY); sftp: a password.")
    token: SecretFrom | None = Field(None, description="s3: the session token of temporary keys. Default: AWS_SESSION_TOKEN.")
    identity: SecretFrom | None = Field(None, description="sftp: a private SSH key. Default: the agent and the keys of this user.")
    known_hosts: PathText | None = Field(None, description="sftp: file with the host keys of servers. Default: that of this user.")


class Prune(Block):
    """Removing from the repository what no snapshot needs any more."""

    every: Duration = Field(description="How often; the first time this long after the oldest snapshot.")


class Maintenance(Block):
    """The care for the repository as a whole."""

    prune: Prune | None = Field(None, description="Without it nothing is removed unless somebody says `reconcile prune`.")
    window: Window | None = Field(None, description="When the loop may begin to prune; verification, copies and drills do not wait for it.")


class ObjectLock(Block):
    """What the bucket must not remove, for whomever. It must have been made with object lock."""

    mode: Literal["compliance", "governance"] = Field(
        "compliance", description="governance: who has a right of its own (s3:BypassGovernanceRetention) can remove it all the same."
    )
    retain: Duration = Field(description="So long each snapshot stays whole, from when it was stored or last confirmed; a day at least.")

    @model_validator(mode="after")
    def _is_longer_than_a_pass(self) -> Self:
        if self.retain < timedelta(days=1):
            raise ValueError("has a `retain` of less than a day, which no clock and no pause of the loop would leave anything of")
        return self

    @property
    def binds_everybody(self) -> bool:
        """Whether nobody with credentials of the place can lift it."""
        return self.mode == "compliance"

    @property
    def slack(self) -> timedelta:
        """So much longer a lock is set, so that not each later snapshot must prolong it: a quarter, a day at least."""
        return max(self.retain / 4, timedelta(days=1))


class Limits(Block):
    """How much may be asked of the place where it is."""

    concurrency: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None,
        description="Actions of this agent in it at a time; one more for what the RPO needs. Default: as many as the loop has at a time.",
    )
    bandwidth: Annotated[Size, Field(ge=1024)] | None = Field(
        None, description="Bytes per second that go to and from a place on the network, all actions together. Default: no limit."
    )
    connections: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None,
        description="Questions to a place on the network at a time. Default: 5 of a bucket, 64 over the one connection of SFTP.",
    )


class Contained(Block):
    """Which snapshots of another program are those of a system: all that fit every criterion that is given."""

    system: Text = Field(description="The System whose state they are.")
    host: Text | None = Field(None, description="The host name that the program recorded.")
    path: PathText | None = Field(None, description="One of the paths that were backed up, as the program recorded it.")
    tag: Text | None = Field(None, description="One of their tags.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.host is None and self.path is None and self.tag is None:
            raise ValueError("must have at least one of `host`, `path` and `tag`")
        return self


class RepositorySpec(Block):
    """An encrypted store and the place where it can be lost."""

    url: PlaceText = Field(
        description="A path (a relative one counts from the folder of this spec file), s3://bucket/prefix or sftp://user@host/path."
    )
    key: Key
    endpoint: EndpointText | None = Field(None, description="s3: the address of the store. Default: Amazon's in `region`.")
    region: Text | None = Field(None, description="s3: where the bucket is. Default: AWS_REGION, else us-east-1.")
    credentials: Credentials = Field(default_factory=Credentials.model_construct)
    failure_domain: FailureDomain = Field(default_factory=dict)
    media: Text | None = Field(None, description="What it is made of, in one word: disk, object, tape.")
    deletable_from: Items[Text] | None = Field(
        None, description="Hosts whose credentials could delete it; default: every host that writes to it."
    )
    object_lock: ObjectLock | None = Field(
        None, description="s3: everything that snapshots need is locked in the bucket. docs/object-storage.md says what follows."
    )
    maintenance: Maintenance = Field(default_factory=Maintenance.model_construct)
    limits: Limits = Field(default_factory=Limits.model_construct)
    format: Literal["reconciler", "restic"] = Field(
        "reconciler", description="restic: a repository of that program; it is looked at and restored from, and never written to."
    )
    contains: Items[Contained] = Field((), description="restic: which of its snapshots are those of which system.")

    @model_validator(mode="after")
    def _is_only_looked_at(self) -> Self:
        if self.format == "reconciler":
            if self.contains:
                raise ValueError("has `contains`, which only a repository of `format: restic` has")
            return self
        said = self.credentials
        if self.maintenance.prune is not None or self.limits.given() or self.object_lock is not None:
            raise ValueError("has `maintenance`, `limits` or `objectLock`, and a repository of restic is never worked on")
        if (said.identity and said.identity.file is None) or (said.secret and not self.url.startswith("s3://")):
            raise ValueError("has a password for SSH or a key that is no file, and restic goes by the host's `ssh`, which takes neither")
        return self

    @model_validator(mode="after")
    def _fits_its_place(self) -> Self:
        scheme = self.url.partition("://")[0] if "://" in self.url else ""
        said = self.credentials
        if scheme != "s3" and (self.endpoint or self.region or self.object_lock or said.access or said.token):
            raise ValueError("has `endpoint`, `region`, `objectLock`, `access` or `token`, which only a `url` that begins with s3:// has")
        if scheme != "sftp" and (said.identity or said.known_hosts):
            raise ValueError("has `identity` or `knownHosts`, which only a `url` that begins with sftp:// has")
        if not scheme and (said.secret or self.limits.bandwidth or self.limits.connections):
            raise ValueError("has `secret`, `bandwidth` or `connections`, which only a place on the network has")
        return self
