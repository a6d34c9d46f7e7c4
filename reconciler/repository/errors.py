"""What can go wrong with a repository, seen from the side of the person who must do something about it."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError


class RepositoryError(ReconcilerError):
    """The repository cannot do what was asked."""

    code = "repository-failed"


class NotInitialised(RepositoryError):
    """Nothing was ever created at this URL; it is not "an empty repository"."""

    code = "repository-not-initialised"
    hint = "Is the disk mounted and the path right? If it is new: `reconcile repository init NAME`, or a pass with --init."


class HeaderLost(RepositoryError):
    """Snapshots and key slots are there, the object that says what they belong to is not."""

    code = "repository-header-lost"
    fate = Fate.DAMAGE
    hint = "`reconcile repair NAME` writes it anew. `reconcile restore --repository URL --key FILE` works without it."


class AlreadyInitialised(RepositoryError):
    """The place is taken: a repository or other files are there."""

    code = "repository-already-initialised"
    hint = "Choose an empty folder, or open what is there with its own key."


class WrongRepository(RepositoryError):
    """Another repository than the known one answers at this URL."""

    code = "repository-is-another"
    hint = "Was another disk mounted here? Nothing was written to it."


class WrongKey(RepositoryError):
    """The key opens none of the key slots."""

    code = "repository-wrong-key"
    hint = "Is it the key file of this repository? Keys are bound to the repository id, which stands in its `header`."


class WeakKey(RepositoryError):
    """A key slot demands too little or far too much work, or the key has the wrong shape."""

    code = "repository-key-unsuitable"
    hint = "A raw key is 32 bytes, written as 64 hex digits. A slot outside the limits may have been tampered with."


class LastSlot(RepositoryError):
    """A key slot stays, because without it nobody could open the repository any more, or not the one who asks."""

    code = "repository-slot-in-use"
    hint = "Add another key first and use that one; then this slot can go."
    fate = Fate.REFUSED


class NoSuchSlot(RepositoryError):
    """No key slot, or more than one, begins with these digits."""

    code = "repository-no-such-slot"
    hint = "`reconcile repository key list NAME` lists them."


class RepairChanged(RepositoryError):
    """The repository is not as it was when the repair was planned."""

    code = "repository-repair-changed"
    hint = "`reconcile repair NAME` shows the plan as it is now, and its digest."
    fate = Fate.REFUSED


class NewerFormat(RepositoryError):
    """A newer version of this program wrote it, with features that this one does not know."""

    code = "repository-newer-format"
    hint = "Install the newest version; this one would misunderstand the data."


class Unreachable(RepositoryError):
    """The place of the repository does not answer or refuses."""

    code = "repository-unreachable"
    hint = "Is the disk mounted, and may this user read and write there?"
    retry = True


class NoSuchBucket(RepositoryError):
    """The bucket that the URL names does not exist, or not for who asks."""

    code = "repository-no-bucket"
    hint = "Is its name spelled right, and is it made? This program makes no buckets."


class WrongRegion(RepositoryError):
    """The bucket is in another region than was asked."""

    code = "repository-wrong-region"
    hint = "Which region is the bucket in? `region` of the Repository says it."


class AccessRefused(RepositoryError):
    """The place of the repository refuses who asks, or what was asked for."""

    code = "repository-access-refused"
    hint = "Are the credentials of the Repository right and still valid, and do they allow this?"


class ClockApart(RepositoryError):
    """The clocks of this machine and of the place of the repository are too far apart for a signature to count."""

    code = "repository-clock-apart"
    hint = "Does this machine get its time from a time server?"


class NotAStore(RepositoryError):
    """What answers is not a place for a repository: a web server, a proxy, another protocol."""

    code = "repository-not-a-store"
    hint = "Is the endpoint right? It is the address of the store itself, not of its console."


class NoObjectLock(RepositoryError):
    """The bucket does not lock what it is told to lock, although `objectLock` is declared for the repository."""

    code = "repository-no-object-lock"
    hint = "Object lock is switched on when a bucket is made (and versioning with it); use such a bucket, or declare no `objectLock`."


class Locked(RepositoryError):
    """The place does not let an object go before a date."""

    code = "repository-locked"
    hint = "Nothing was removed; it can be removed after that date."
    fate = Fate.REFUSED


class Unsettled(RepositoryError):
    """The place of the repository contradicts itself: a list out of order, an object that is stored and not listed."""

    code = "repository-unsettled"
    hint = "Nothing was removed. Does something between here and the store keep old answers?"
    retry = True


class ExtraMissing(RepositoryError):
    """A part of this program that reaches such places is not installed."""

    code = "repository-extra-missing"
    hint = "Install it with that extra, such as `pip install 'reconciler[sftp]'`."


class HelperLost(RepositoryError):
    """A process that did a part of the work was ended from outside."""

    code = "repository-helper-lost"
    hint = "Was memory short? What a restore has given its name is whole; restore again into a new folder."
    retry = True


class NoSpace(RepositoryError):
    """The disk that holds the repository is full, or a quota is reached."""

    code = "repository-no-space"
    hint = "Free space there; everything stored before is intact and the next run continues."
    retry = True


class Damaged(RepositoryError):
    """An object is not what was written: changed, cut short or swapped."""

    code = "repository-damaged"
    hint = "`reconcile verify SYSTEM` says which snapshots are affected; other snapshots can still be restored."
    fate = Fate.DAMAGE


class ObjectMissing(RepositoryError):
    """An object that others refer to is not there."""

    code = "repository-object-missing"
    hint = "`reconcile verify SYSTEM` says which snapshots are affected; is a copy of the repository at hand?"
    fate = Fate.DAMAGE


class OriginDamaged(RepositoryError):
    """The repository that is copied from cannot give everything that the snapshot needs; no copy of it was published."""

    code = "repository-origin-damaged"
    hint = "`reconcile verify SYSTEM` says what is damaged; another repository may hold the snapshot whole."
    fate = Fate.DAMAGE


class Collected(RepositoryError):
    """While this run was publishing, a clean-up condemned data that it relies on."""

    code = "repository-collected"
    hint = "Nothing is lost; the next run stores the data anew."
    retry = True


class CleanUpRefused(RepositoryError):
    """A clean-up did not begin, because something is not as it should be; nothing was removed."""

    code = "repository-clean-up-refused"
    hint = "`reconcile verify SYSTEM` looks for damage; a clean-up never removes anything in doubt."
    fate = Fate.REFUSED


class ConfirmationNeeded(RepositoryError):
    """A clean-up would remove more than half of all stored bytes, or another plan was confirmed than the one that stands."""

    code = "repository-confirmation-needed"
    hint = "Look at the plan with --dry-run; if it is right, give its digest with --confirm."
    fate = Fate.REFUSED


class BaseUnusable(RepositoryError):
    """The snapshot to compare with cannot be read any more."""

    code = "repository-base-unusable"
    hint = "The backup is taken as a full one instead; `reconcile verify SYSTEM` says what is damaged."


class TargetFull(RepositoryError):
    """The place that is restored into takes no more."""

    code = "repository-target-full"
    hint = "Free space there or restore somewhere else; the files that are there already are whole."


class Unread(RepositoryError):
    """The content of a file was not readable when the backup was taken, so there is nothing to restore."""

    code = "repository-content-unread"
    hint = "An older snapshot may hold it."


class TooManyMatches(RepositoryError):
    """A pattern that is looked for in many snapshots fits more than memory can hold."""

    code = "repository-too-many-matches"
    hint = "Name a file, a folder above it (`/srv/orders/**/*.pdf`), or one system."
    fate = Fate.USAGE


class NoSuchSnapshot(RepositoryError):
    """No snapshot has this id."""

    code = "repository-no-such-snapshot"
    hint = "`reconcile snapshots` lists what there is."


class NoSuchPath(RepositoryError):
    """Nothing in the snapshot matches the path or pattern."""

    code = "repository-no-such-path"
    hint = "Paths are absolute as they were on the source host; patterns may use * and **."
