"""Names of users and groups: recorded beside the numbers, because numbers mean something else on another host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def user_names(uids: Iterable[int], known: Mapping[int, str]) -> dict[int, str]:
    """``known`` plus the names of ``uids``; a number without a name on this host is left out."""
    try:
        from pwd import getpwuid
    except ImportError:  # Windows has no user numbers
        return dict(known)
    names = dict(known)
    for uid in set(uids) - known.keys():
        try:
            names[uid] = getpwuid(uid).pw_name
        except (KeyError, OverflowError):
            continue  # without a name on this host, or too large to have one
    return names


def group_names(gids: Iterable[int], known: Mapping[int, str]) -> dict[int, str]:
    """The same for groups."""
    try:
        from grp import getgrgid
    except ImportError:
        return dict(known)
    names = dict(known)
    for gid in set(gids) - known.keys():
        try:
            names[gid] = getgrgid(gid).gr_name
        except (KeyError, OverflowError):
            continue  # as above
    return names
