"""The hour of a decision as a value that notices what is asked of it, so that nobody has to say until when an answer holds.

A :class:`Moment` is a datetime like any other. Each comparison with it, also of an :class:`Age` that was counted from it, tells its
:class:`Horizon` when that comparison would come out differently: the earliest such moment is until when the whole answer holds. What
looks at the hour in another way (its year, a text of it, a quotient) holds at this instant only. A decision says nothing of its own
about that, so none can forget to.

The clock only goes forward here; after a step back nothing that was remembered is worth anything.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

TICK = timedelta(microseconds=1)
MOMENTS_MAX = 100
"""So many lengths that decisions count from the hour are kept as moments: of one pass there are some dozen."""


class Horizon:
    """Until when what was answered since :meth:`begin` holds."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.until: datetime | None = None
        """The first moment at which it may be another answer; None: never."""
        self.moments: dict[timedelta, Moment] = {}
        """By how long they are after the hour."""

    def begin(self) -> None:
        """Forget what was asked before."""
        self.until = None

    def crossing(self, at: datetime) -> None:
        """Something was compared with the hour, and they meet at ``at``."""
        if at >= self.now:
            self.ends(at if at > self.now else at + TICK)

    def only_now(self) -> None:
        """The next instant may bring another answer."""
        self.ends(self.now + TICK)

    def ends(self, at: datetime) -> None:
        """It holds until ``at`` at most."""
        if self.until is None or at < self.until:
            self.until = at


class Told:
    """What a datetime can tell beside comparing itself: it changes with each instant."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, moment: Moment | None, kind: type) -> Any:
        if moment is None:
            return getattr(datetime, self._name)
        moment._horizon.only_now()
        return getattr(moment.plain, self._name)


def _comparing(name: str) -> Callable[[Any, Any], Any]:
    compare = getattr(operator, name)

    def compared(self: Moment, other: Any) -> Any:
        """With a moment, which is remembered where it does not move with the hour, and is not over. Most are: they cost one comparison."""
        plain = self.plain
        if type(other) is not datetime:
            if not isinstance(other, datetime):
                return NotImplemented
            if isinstance(other, Moment):
                return compare(plain, other.plain)
        if other >= plain:
            _meet(self._horizon, other, -self._shift)
        return compare(plain, other)

    return compared


class Moment(datetime):
    """The hour, or what lies a fixed time before or after it."""

    __slots__ = ("_horizon", "_shift", "plain")
    plain: datetime
    _shift: timedelta
    _horizon: Horizon

    @classmethod
    def of(cls, horizon: Horizon, shift: timedelta = timedelta(0)) -> Moment:
        """``horizon.now + shift``."""
        known = horizon.moments.get(shift)
        if known is not None:
            return known
        at = horizon.now + shift
        made = cls(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, at.tzinfo, fold=at.fold)
        made.plain, made._shift, made._horizon = at, shift, horizon
        if len(horizon.moments) < MOMENTS_MAX:
            horizon.moments[shift] = made
        return made

    __lt__, __le__, __gt__, __ge__ = (_comparing(name) for name in ("lt", "le", "gt", "ge"))
    __eq__, __ne__ = _comparing("eq"), _comparing("ne")

    def __hash__(self) -> int:
        self._horizon.only_now()
        return hash(self.plain)

    def __add__(self, other: Any) -> Any:
        return Moment.of(self._horizon, self._shift + other) if isinstance(other, timedelta) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, timedelta):
            return Moment.of(self._horizon, self._shift - other)
        if isinstance(other, Moment):
            return self.plain - other.plain
        return Age(self._horizon, other - self._shift, 1) if isinstance(other, datetime) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return Age(self._horizon, other - self._shift, -1) if isinstance(other, datetime) else NotImplemented

    def date(self) -> Any:
        """The day holds until it ends."""
        day = self.plain.date()
        if self.plain.tzinfo is UTC:
            _meet(self._horizon, datetime(day.year, day.month, day.day, tzinfo=UTC), timedelta(days=1) - self._shift)
        else:
            self._horizon.only_now()
        return day

    def __format__(self, spec: str) -> str:
        self._horizon.only_now()
        return format(self.plain, spec)

    def __str__(self) -> str:
        self._horizon.only_now()
        return str(self.plain)

    def __repr__(self) -> str:
        self._horizon.only_now()
        return repr(self.plain)


for _name in {name for name in dir(datetime) if not name.startswith("_")} - {"date", "tzinfo", "min", "max", "resolution"}:
    setattr(Moment, _name, Told(_name))


def _comparing_age(name: str) -> Callable[[Any, Any], Any]:
    compare = getattr(operator, name)

    def compared(self: Any, other: Any) -> Any:
        return self.against(other, compare)

    return compared


class Age:
    """The hour less a moment (``sign`` 1), or a moment less the hour (-1)."""

    __slots__ = ("_at", "_horizon", "_sign")

    def __init__(self, horizon: Horizon, at: datetime, sign: int) -> None:
        self._horizon, self._at, self._sign = horizon, at, sign

    @property
    def plain(self) -> timedelta:
        return self._sign * (self._horizon.now - self._at)

    def against(self, other: object, compare: Callable[[Any, Any], bool]) -> Any:
        """Compared with a length, which is reached at one moment."""
        if isinstance(other, Age):
            if other._sign != self._sign:
                self._horizon.only_now()
            return compare(self.plain, other.plain)
        if not isinstance(other, timedelta):
            return NotImplemented
        plain = self.plain
        if other >= plain if self._sign > 0 else other <= plain:
            _meet(self._horizon, self._at, self._sign * other)
        return compare(plain, other)

    __lt__, __le__, __gt__, __ge__ = (_comparing_age(name) for name in ("lt", "le", "gt", "ge"))
    __eq__, __ne__ = _comparing_age("eq"), _comparing_age("ne")

    def __bool__(self) -> bool:
        return bool(self != timedelta(0))

    def __hash__(self) -> int:
        return hash(self._told())

    def __neg__(self) -> Age:
        return Age(self._horizon, self._at, -self._sign)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, timedelta):
            return Age(self._horizon, self._at - self._sign * other, self._sign)
        return self._told() + _plain(other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, timedelta) else self._told() - _plain(other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other if isinstance(other, timedelta) else _plain(other) - self._told()

    def __mul__(self, other: Any) -> Any:
        return self._told() * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._told() / _plain(other)

    def __rtruediv__(self, other: Any) -> Any:
        return other / self._told()

    def __floordiv__(self, other: Any) -> Any:
        return self._told() // _plain(other)

    def __mod__(self, other: Any) -> Any:
        return self._told() % _plain(other)

    def __abs__(self) -> timedelta:
        return abs(self._told())

    def __str__(self) -> str:
        return str(self._told())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._told(), name)

    def _told(self) -> timedelta:
        """As it is at this instant."""
        self._horizon.only_now()
        return self.plain


def _plain(value: Any) -> Any:
    return value._told() if isinstance(value, Age) else value


def _meet(horizon: Horizon, at: datetime, later: timedelta) -> None:
    try:
        horizon.crossing(at + later)
    except OverflowError:  # beyond all years: never, or always
        return
