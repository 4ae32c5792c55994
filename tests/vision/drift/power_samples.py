"""Power tables by hand: blur is seen, jpeg harms unseen, swapped channels change nothing."""

from __future__ import annotations

from vision.drift.corruptions import SCENARIOS, SEVERITIES
from vision.drift.power_table import CLEAN, Harm, PowerEntry, PowerTable

SIZES = (50, 100, 200)
VIEWS = ("uae", "properties")
# Shares at each size, of the whole check and of each view.
SHARES = {
    CLEAN: ((0.0, 0.0025, 0.005), (0.0, 0.0, 0.0), (0.0, 0.0025, 0.005)),
    "blur": ((0.4, 0.99, 1.0), (0.1, 0.5, 1.0), (0.4, 0.99, 1.0)),
    "noise": ((0.5, 0.9, 1.0), (0.3, 0.6, 0.9), (0.3, 0.5, 0.98)),
    "jpeg": ((0.0, 0.1, 0.25), (0.0, 0.0, 0.0), (0.0, 0.1, 0.25)),
}
SEEN = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
NOT_SEEN = ((0.0, 0.01, 0.02), (0.0, 0.0, 0.0), (0.0, 0.01, 0.02))
ACCURACY = {CLEAN: 0.9, "jpeg": 0.8, "new_class": None, "class_shift": None}


def make_table(sizes: tuple[int, ...] = SIZES, **changed: object) -> PowerTable:
    """Returns a whole table; ``changed`` replaces attributes of it."""
    entries, harms = [], []
    for kind, severity in all_changes():
        whole, *views = SHARES.get(kind, NOT_SEEN if kind == "channel_swap" else SEEN)
        for place, size in enumerate(sizes):
            entries.append(
                PowerEntry(
                    kind=kind,
                    severity=severity,
                    size=size,
                    n_windows=400 if kind == CLEAN else 100,
                    share=whole[place],
                    by_view={name: each[place] for name, each in zip(VIEWS, views, strict=True)},
                )
            )
        is_idle = kind in (CLEAN, "channel_swap", "class_shift")
        accuracy = ACCURACY.get(kind, 0.9)
        harms.append(
            Harm(kind=kind, severity=severity, changed=0.0 if is_idle else 1.0, accuracy=accuracy)
        )
    table = PowerTable(
        split="test",
        n_images=450,
        sizes=sizes,
        not_tried=(500,),
        views=VIEWS,
        every_n=50,
        alarm_rate=1 / 360,
        seed=0,
        entries=tuple(entries),
        harms=tuple(harms),
    )
    return table.model_copy(update=changed)


def without(table: PowerTable, kind: str, severity: int, *sizes: int) -> PowerTable:
    """Returns the table of which some sizes of a change were not tried."""
    left = tuple(
        each
        for each in table.entries
        if (each.kind, each.severity) != (kind, severity) or each.size not in sizes
    )
    return table.model_copy(update={"entries": left})


def all_changes() -> list[tuple[str, int]]:
    """Returns every kind and severity, ``clean`` first."""
    return [(CLEAN, 0), *((kind, severity) for kind in SCENARIOS for severity in SEVERITIES)]
