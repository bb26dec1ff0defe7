"""Check resources and reserves for figures that cannot be right or need a second look.

A figure is taken to be rounded at its last decimal, and a difference is reported only if rounding
cannot explain it. A float does not distinguish 201 from 201.0, so a whole number is read with the
fewest decimals of the figures beside it. A zero without such figures is read as 0.0, because an
estimate that rounds to 0 is rarely published.

This module puts the checks together. It changes no figure, and must not import `reader` or
`grammar`.
"""

from __future__ import annotations

import pandas as pd

from sectorsdf.reserves.amount_checks import (
    check_dry,
    check_ore_types,
    check_repeated,
    check_repeated_estimate,
    check_stages,
    check_sums,
)
from sectorsdf.reserves.content_checks import check_contents, check_ounces
from sectorsdf.reserves.findings import FINDING_DTYPES, amounts_of, prepared, totals_of
from sectorsdf.reserves.value_checks import check_bounds, check_calorific_classes, check_years

__all__ = ["FINDING_DTYPES", "check_resources"]


def check_resources(tidy: pd.DataFrame) -> pd.DataFrame:
    """Report the figures of resources and reserves that are inconsistent or impossible.

    Parameters
    ----------
    tidy : pandas.DataFrame
        Resources, one row for each figure, of any number of sites: ``slug``, ``year``,
        ``commodity_type``, ``company_slug`` and the columns of a figure. It is not changed.
        Verified variants of a figure and figures without a number are not checked.

    Returns
    -------
    pandas.DataFrame
        One row for each finding, in the order of the sites, with the dtypes of `FINDING_DTYPES`
        also if it is empty. ``expected`` and ``found`` are in ``unit``; ``source_field`` is the
        figure that failed the check. A finding on all sites of a commodity has no ``slug`` and
        stands at the end. ``check`` is one of:

        parts_total
            The parts (proven and probable; measured, indicated and inferred) do not add up to
            their total, or exceed it although some are missing.
        part_above_total
            One part is larger than its total.
        stages_swapped
            The total of the reserves of a metal (as published, or the sum of all parts) exceeds
            that of the resources. In this source the two stages of a metal are often swapped. If
            that is so at more than half of the sites of a metal, and at least three, one more
            finding says so. The codes also allow resources *exclusive* of reserves; then more
            reserves than resources can be right.
        reserves_above_resources
            The same for coal, whose stages the source rarely swaps.
        reserves_above_measured_indicated
            More reserves than measured and indicated resources together, though not than all
            resources. Inferred resources cannot become reserves.
        repeated_figure
            The same figure occurs twice, with different values.
        repeated_estimate
            Two sites have the same figures, at least two with six digits together.
        implied_grade
            The contained metal over the tonnage is less than half or more than twice the grade,
            which losses and rounding do not explain. Without a grade of its own, a stage is
            compared with the other stage's (a factor of five), or with the grades that mines of
            the metal have. The message names the mistake of scale that would
            explain it, such as koz that are Moz. Dry tonnes are used where
            there are any; wet tonnes may be up to 60 % water.
        wet_is_dry
            A tonnage in wmt times the grade is the contained metal, so that it is probably dry.
        ounces_as_tonnes
            More than 1,000 Mt of gold ore without copper: probably thousand ounces of gold.
        moisture
            Less than 10 % or more than 60 % between wet and dry tonnes of the same ore.
        dry_above_wet
            More dry tonnes (dmt) than wet tonnes (wmt) of the same ore.
        grade_bounds
            A grade below 0, above 100 %, above that of the richest mineral of its element, or in a
            laterite above 10 % Ni or 2 % Co.
        calorific_value_bounds
            A calorific value outside 1,000 to 9,000 kcal/kg.
        calorific_class
            Nine of ten calorific values of a commodity (at least three) are classes of the coal
            statistics, with the edges 5,100, 6,100 and 7,100 kcal/kg, and no measurements. One
            finding for all sites.
        negative
            A tonnage or contained metal below zero.
        min_above_max
            The lower bound is above the upper one.
        measurement_year
            A measurement after the year of the report, or before 1950.
        ore_type_units
            The ore types have one figure in different units, without a common one.

    Raises
    ------
    TypeError
        `tidy` is not a DataFrame.
    ValueError
        A column is missing, as in a frame of another dataset.

    Notes
    -----
    Spends no credits. A finding is a question about the source, not a proof of an error. No figure
    is changed, and no stage is swapped. See :doc:`/reserves` for what the checks found in the data.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     tidy = sectorsdf.get_mining_site_resources(client=client)
    >>> findings = sectorsdf.check_resources(tidy)
    >>> findings["check"].value_counts().head(1).to_dict()
    {'stages_swapped': 2}
    """
    frame, sites = prepared(tidy)
    amounts = amounts_of(frame)
    totals = totals_of(amounts)
    findings = [
        *check_sums(totals),
        *check_stages(totals),
        check_repeated(amounts),
        check_repeated_estimate(amounts),
        *check_bounds(frame),
        check_years(sites),
        check_ore_types(amounts),
        *check_dry(amounts),
        *check_contents(frame, totals),
        check_ounces(frame, totals),
        check_calorific_classes(frame),
    ]
    findings = [part for part in findings if len(part)]
    if not findings:
        return pd.DataFrame(
            {name: pd.Series(dtype=dtype) for name, dtype in FINDING_DTYPES.items()}
        )
    ordered = pd.concat(findings).sort_values("site", kind="stable")
    return ordered[list(FINDING_DTYPES)].reset_index(drop=True)
