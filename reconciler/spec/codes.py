"""Every code that a Problem can carry, with its general meaning: the one table (docs and tests read it)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        # files
        "file-unreadable": "A spec file or folder cannot be read.",
        "file-too-large": "A spec file is larger than 1 MiB.",
        "tree-too-large": "The tree holds more files, deeper folders or more bytes than a spec tree can sensibly have.",
        "file-name": "The name of a spec file is not printable UTF-8.",
        "outside-tree": "A symbolic link leads out of the spec tree.",
        "ignore-pattern": "A line of .reconcilerignore is not a pattern.",
        "encoding": "A spec file is not plain UTF-8 text, or an escape in it stands for half a character.",
        "control-character": "A spec file holds a control character.",
        "conflict-marker": "A spec file holds the markers of an unfinished merge.",
        "empty-file": "A spec file holds nothing, as after an interrupted write.",
        # YAML
        "yaml-syntax": "The text is not YAML.",
        "yaml-directive": "A YAML directive (%YAML, %TAG) would change how the text is read.",
        "yaml-tag": "Tags (!word) are not part of specs.",
        "yaml-alias": "An alias names nothing, or names the thing that it stands in.",
        "yaml-merge-key": "The merge key `<<` is not part of specs.",
        "yaml-too-deep": "Values are nested deeper than 32 levels.",
        "yaml-too-big": "A document holds more values, counted through its aliases, than specs can need.",
        "duplicate-key": "A key stands twice in one mapping.",
        "key-not-text": "A key is not text.",
        "ambiguous-scalar": "An unquoted word means different things to different YAML readers.",
        "number-range": "A number is not finite, or too long.",
        # objects
        "not-an-object": "A document is not a mapping with apiVersion, kind, metadata and spec.",
        "unknown-api-version": "The apiVersion is not one that this version reads.",
        "unknown-kind": "There is no such kind.",
        "unknown-field": "There is no such field.",
        "missing-field": "A required field is missing.",
        "wrong-type": "A value has the wrong type.",
        "wrong-value": "A value has the right type and is not allowed.",
        "empty-block": "A block is written and says nothing.",
        "duplicate-object": "Two objects of one kind have the same name.",
        "two-settings": "A tree has at most one Settings object.",
        "last-good-unusable": "An object is broken now, and its last good version is not valid any more.",
        # references
        "unknown-tier": "A System, or Settings.records, names a Tier that does not exist.",
        "unknown-policy": "A System, or Settings.records, names a BackupPolicy that does not exist.",
        "observed-primary": "A repository of another program stands first, where backups would go.",
        "unknown-repository": "A list of repositories names one that does not exist.",
        "unknown-system": "dependsOn names a System that does not exist.",
        "approval-of-nothing": "A DeletionApproval names a System or Repository that does not exist.",
        "unknown-receiver": "An AlertPolicy names a receiver that it does not declare.",
        "receiver-unused": "A receiver of an AlertPolicy is never told anything.",
        "receiver-not-called": "A step of an escalation names an Alertmanager, which is told everything anyway.",
        "unknown-alert-word": "A route or step of an AlertPolicy names a kind or a condition that no alert is about.",
        "scenario-type": "A DisasterScenario bears the name of another type than its own.",
        "scenario-matches-nothing": "A DisasterScenario names a place or host that no System and no Repository is at.",
        "scenario-takes-nothing": "A DisasterScenario takes nothing away.",
        "dependency-cycle": "Systems depend on each other in a circle.",
        "reserved-name": "A System bears a name that is kept for the records of a host.",
        "previous-name": "A previousName is in use, or claimed twice.",
        # recovery plans
        "unknown-scenario": "A RecoveryPlan names a scenario that does not exist, or a step of it one that the plan does not name.",
        "unknown-step": "dependsOn names a step that the plan does not have.",
        "duplicate-step": "Two steps of a plan have one name.",
        "step-cycle": "Steps of a plan wait for each other in a circle.",
        "step-unreachable": "A step of a plan never begins: it waits for a circle of steps.",
        "assert-of-nothing": "A step of a plan asks a system that no step before it restores.",
        "plan-dependency": "A plan restores a System without a System that it depends on, or not after it.",
        "plan-hosts": "A plan restores Systems of several hosts to where their files came from; it is carried out on one of them.",
        # promises
        "no-repository": "A System ends up without a repository.",
        "rpo-schedule": "The schedule takes backups less often than the RPO promises.",
        "rpo-margin": "A backup that takes as long as expected would end after the RPO.",
        "rto-mtd": "The RTO is longer than the maximum tolerable downtime.",
        "never-backed-up": "Neither a schedule nor an RPO would ever make a backup due.",
        "compression-level": "The compression level does not belong to the algorithm that the System ends up with.",
        "copies-impossible": "The declared repositories cannot satisfy `copies`.",
        "empty-retention": "No rule of retention is left, so every snapshot is kept for ever.",
        "no-minimum": "Retention has no minimum.",
        "no-realm": "The tree names no realm, so the word `default` is used.",
        # paths
        "overlapping-sources": "Two sources of one System overlap, or two outputs have one name.",
        "shared-source": "Two Systems on the same host read the same path.",
        "live-database": "A path holds a database in use; read as a file it may not open again.",
        "source-repository": "A source and a repository overlap.",
        "drill-sandbox": "The sandbox of drills overlaps with a source, a repository or the spec tree.",
        "repository-overlap": "Two repositories overlap.",
        "repository-in-tree": "A repository lies inside the spec tree.",
        "key-in-tree": "The key file of a repository, or the secret of a receiver, lies inside the spec tree.",
        "alerts-in-tree": "A receiver of an AlertPolicy would write into the spec tree.",
        "exclude-pattern": "A line of `exclude` or `tolerate` is not a pattern.",
    }
)
