"""Fetch answers, and make the frame of their rows.

`plans` decides which answers a getter asks for; this module runs the plan. It must not import a
getter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorsdf.client.call import keep_paid_pages
from sectorsdf.client.record_call import fetch_records
from sectorsdf.config.checks import flag
from sectorsdf.errors import DataError, IncompleteSweepError, IncompleteWarning, listed
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.problems import report_other_records, warn
from sectorsdf.frames.provenance import ATTRS, Provenance
from sectorsdf.frames.unpack import UNPACKERS, merge_edges
from sectorsdf.mining.fetch import call_config, checked_missing, context_of, handle_missing
from sectorsdf.mining.no_match import warn_of_no_match
from sectorsdf.mining.plans import PLANS
from sectorsdf.mining.requests import AnswerRequest, Plan, PlanContext, answer_query, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sectorsdf.client.queries import RecordQuery
    from sectorsdf.client.record_call import Records
    from sectorsdf.datasets.schema import Dataset

__all__ = ["fetch_answers"]


def fetch_answers(dataset: Dataset, arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Fetch the answers that a getter's arguments ask for, and return the rows that they give.

    Parameters
    ----------
    dataset : Dataset
        The getter's dataset.
    arguments : mapping
        The getter's ``locals()``: every parameter of its signature.

    Returns
    -------
    pandas.DataFrame
        The dataset's frame.
    """
    client = context_of(arguments)
    missing = checked_missing(arguments.get("missing", "raise"))
    strict = flag("strict", arguments["strict"])
    config = call_config(client, dataset, arguments)
    context = PlanContext.of_call(dataset, arguments, client, config)
    # What was paid for is kept until the caller has the frame.
    with keep_paid_pages():
        steps: list[tuple[RecordQuery, Records]] = []
        needs: dict[str, str] = {}
        running = PLANS[dataset.name](context)
        requests = next(running, None)
        while requests is not None:
            query = answer_query(context, requests)
            needs |= {key_of(dataset, request): request.need for request in requests}
            steps.append((query, fetch_records(client, query)))
            requests = _next_step(running, steps[-1][1])
        unknown = _unknown_keys(dataset, steps, needs)
        empty = _countries_without_rows(steps, needs)
        frame = _frame_of(context, steps, [*unknown, *empty], strict=strict)
        _check_complete(context, frame)
        client.seen.add(dataset, frame)
        if frame.empty:
            warn_of_no_match(client, dataset, arguments, config)
        if empty:
            warn(
                f"{dataset.name}: the API has no rows of {listed(empty)}: it does not know the "
                "country by this name, or has none of the requested data.",
                IncompleteWarning,
            )
        # Not every company that a list names has an answer of each kind.
        quiet = context.keys is None and dataset.listed_by is not None
        return handle_missing(frame, unknown, dataset, "quiet" if quiet else missing, client)


def _unknown_keys(
    dataset: Dataset, steps: Sequence[tuple[RecordQuery, Records]], needs: Mapping[str, str]
) -> dict[str, str]:
    """Return the keys that have not what they must have, as the caller named them, with a path."""
    known = {
        query.parts_of(key).get(str(dataset.addressed_by))
        for query, records in steps
        for key in records.found
    }
    unknown: dict[str, str] = {}
    for query, records in steps:
        for key in records.not_found:
            parts = query.parts_of(key)
            name = parts.get(str(dataset.addressed_by))
            if needs[key] == "none" or (needs[key] == "one" and name in known):
                continue
            if name is None or name in known:
                # Of a known key, one of the answers that it must have is missing.
                each = (f"{part}={text}" for part, text in parts.items())
                name = ", ".join(each) if len(parts) > 1 else next(iter(parts.values()))
            unknown.setdefault(name, query.paths[key])
    return unknown


def _countries_without_rows(
    steps: Sequence[tuple[RecordQuery, Records]], needs: Mapping[str, str]
) -> list[str]:
    """Return the countries that the caller named and that have no rows; the API gives no 404."""
    return [
        query.parts_of(key)["country"]
        for query, records in steps
        for key, answer in records.found.items()
        if answer == [] and needs[key] == "each" and "country" in query.parts_of(key)
    ]


def _next_step(running: Plan, records: Records) -> list[AnswerRequest] | None:
    try:
        return running.send(records)
    except StopIteration:
        return None


def _frame_of(
    context: PlanContext,
    steps: Sequence[tuple[RecordQuery, Records]],
    not_found: Sequence[str],
    *,
    strict: bool,
) -> pd.DataFrame:
    """Return the rows of all steps as one frame that says what they cost together."""
    dataset = context.dataset
    declared = dataset.with_contacts() if steps and steps[0][0].include_contacts else dataset
    builder = FrameBuilder(declared, private=not (steps and steps[0][0].include_contacts))
    rows: list[Mapping[str, Any]] = []
    problems: list[Mapping[str, Any]] = []
    cut: list[str] = []
    # The countries that an answer leaves out were asked for one by one.
    completed = context.asks_all_countries
    for query, records in steps:
        for key, answer in records.found.items():
            if dataset.unpack is None:
                rows.append(answer)
                continue
            made = UNPACKERS[dataset.unpack](answer, query.parts_of(key))
            rows += made.rows
            problems += made.problems
            if dataset.limit is not None and len(answer) >= dataset.limit and not completed:
                cut.append(key)
    if dataset.unpack == "ownership":
        merged = merge_edges(rows)
        rows, problems = [*merged.rows], [*problems, *merged.problems]
    builder.add(rows)
    provenance = _provenance(context, steps, not_found, cut)
    frame = builder.frame(provenance, strict=strict)
    others = [problem for _, records in steps for problem in records.others]
    report_other_records(dataset, frame, others, strict=strict)
    if problems:
        Provenance.of_frame(frame).with_problems(problems).attach(frame)
        first = problems[0]
        message = (
            f"{dataset.name}: {len(problems)} value(s) do not have the expected shape; the first "
            f"is {first['column']} = {str(first['raw'])[:80]!r} ({first['reason']}) at "
            f"{first['key']}. "
            f'frame.attrs["{ATTRS}"]["problems"] lists all of them.'
        )
        if strict:
            raise DataError(message, problems=problems, frame=frame)
        warn(message)
    return frame


def _provenance(
    context: PlanContext,
    steps: Sequence[tuple[RecordQuery, Records]],
    not_found: Sequence[str],
    cut: Sequence[str],
) -> Provenance:
    """Return the provenance of the first step with what all steps and lists cost."""
    first = steps[0][1].provenance.updated(filters=dict(steps[0][0].asked))
    for other in (*context.listed, *(records.provenance for _, records in steps[1:])):
        first = first.after_list(other).updated(
            fetched_at=min(first["fetched_at"], other["fetched_at"])
        )
    requests = sum(len(query.paths) for query, _ in steps)
    provenance = first.with_records(requests, not_found)
    if cut:
        provenance = provenance.updated(complete=False, cut=list(cut))
    elif context.asks_all_countries and len(steps) > 1:
        names = _countries_in(steps)
        # The API has no list of its countries, so that another one cannot be ruled out.
        provenance = provenance.updated(complete=None, complete_over={"country": names})
    return provenance


def _countries_in(steps: Sequence[tuple[RecordQuery, Records]]) -> list[str]:
    """Return the countries of the answer that the API cuts, and those that were asked for."""
    (_, first), *others = steps
    rows = [row for answer in first.found.values() for row in answer if isinstance(row, dict)]
    listed = [str(row.get("country")) for row in rows]
    return listed + [query.parts_of(key)["country"] for query, _ in others for key in query.paths]


def _check_complete(context: PlanContext, frame: pd.DataFrame) -> None:
    """Refuse an answer that the API has cut, unless the caller accepts it.

    Raises
    ------
    IncompleteSweepError
        It carries the frame.
    """
    provenance = Provenance.of_frame(frame)
    cut = provenance.get("cut")
    if not cut:
        return
    dataset = context.dataset
    message = (
        f"{dataset.name}: the API cuts an answer at {dataset.limit} rows, and "
        f"{listed(cut, show=str)} has that many. The rows are in .frame; "
        "allow_partial=True returns them."
    )
    if "countries" in context.arguments:
        message += " countries='all' asks for each country by itself."
    if not context.config.allow_partial:
        raise IncompleteSweepError(message, missing=0, report=dict(provenance.entries), frame=frame)
    warn(message, IncompleteWarning)
