"""How long each leg takes: counted in tenths of a millisecond, so that an hour of frames takes little memory."""

from __future__ import annotations

from collections import Counter

LONGEST = 600_000  # tenths of a millisecond, to which longer times are cut


class Latency:
    """Times of one leg."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._most = 0.0

    def add(self, seconds: float) -> None:
        """Count one time."""
        self._counts[min(max(round(seconds * 10_000), 0), LONGEST)] += 1
        self._most = max(self._most, seconds)

    def summary(self) -> dict[str, float]:
        """Return number, median, 95th percentile and most, in milliseconds; only the number where there is none."""
        count = self._counts.total()
        if not count:
            return {"count": 0}
        return {
            "count": count,
            "p50_ms": self._percentile(0.5, count),
            "p95_ms": self._percentile(0.95, count),
            "most_ms": round(self._most * 1000, 1),
        }

    def _percentile(self, share: float, count: int) -> float:
        passed = 0
        for tenths in sorted(self._counts):
            passed += self._counts[tenths]
            if passed >= share * count:
                break
        return tenths / 10
