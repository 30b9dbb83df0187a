# SPDX-License-Identifier: MIT
"""What each figure shows and what good looks like, for people who run climate models."""

from isthmus.couple.intervals import LEVEL

CAPTIONS = {
    "survival": """
        Share of ensemble members that are finite and within {plausible:g} standard
        deviations of the mean at all sites; shaded: {level:g} % interval (Wilson). A cross
        marks where a run stopped on a blow-up. Good: a line at 100 % to the end.
        """,
    "paired_survival": """
        Share of the members whose whole state is finite and possible; shaded: {level:g} %
        interval (Wilson). A cross marks where a run stopped. Good: a line at 100 %.
        """,
    "means": """
        Means over the members. Good: on top of the reference.
        """,
    "errors": """
        Root mean square over the members of the difference from the same member of the
        reference, in standard deviations of the reference. Good: small, level, and below
        the control.
        """,
    "drift": """
        Mean and variance over members, sites and blocks of time. Good: level lines on top
        of the reference, whose own wiggles show what is mere sampling. A slope is drift, an
        offset a wrong climate. A run that lost members may leave the axes.
        """,
    "distribution": """
        Distribution of x over all sites, members and times: left with a logarithmic axis
        that shows the tails, right its difference from the reference. Good: on top of the
        reference, also in the tails; a difference near zero. Dotted lines: training range.
        """,
    "correlations": """
        Correlation of x with itself at other sites and at later times. Good: on top of the
        reference. A run that hardly moves keeps its correlation in time near 1; one that is
        too noisy loses it at once.
        """,
    "spectra": """
        Variance by wavenumber around the ring, and power density by frequency (Welch,
        segments of {segment} outputs). Good: on top of the reference. A right end that is
        too high is noise, one that is too low is smoothing.
        """,
    "skill": """
        Forecasts from states of the truth. Error grows to the dotted line, where forecast
        and truth are unrelated; correlation falls from 1 to 0. Valid time: mean time until
        the error exceeds 40 % of the dotted line. Shaded, and thin bars: {level:g} %
        interval over the cases. Good: low, high, long, and better than the run without a
        network.
        """,
    "range": """
        Share of values outside the range {low:.4g} to {high:.4g} on which the networks were
        trained; there they extrapolate. Good: below the dotted limit and no higher than the
        reference itself.
        """,
}


def caption(name: str, **values: float) -> str:
    """Return the caption of a figure with its values filled in."""
    return " ".join(CAPTIONS[name].format(level=100 * LEVEL, **values).split())
