"""All attacks, by what they abuse."""

from tests.hostile.tenant.attacks import floods, forged, odd_names, results, sizes, times

ATTACKS = (
    *odd_names.ATTACKS,
    *sizes.ATTACKS,
    *times.ATTACKS,
    *forged.ATTACKS,
    *results.ATTACKS,
    *floods.ATTACKS,
)
