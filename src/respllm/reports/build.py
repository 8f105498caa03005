"""From everything known about a run to its report."""

from __future__ import annotations

from respllm.evaluation.table import DISCLAIMER
from respllm.reports.assessed import assessment_sections
from respllm.reports.audited import audit_sections
from respllm.reports.described import (
    attribution_section,
    card_section,
    case_section,
    comparison_section,
    learning_section,
    run_section,
)
from respllm.reports.document import Report, Section
from respllm.reports.findings import find
from respllm.reports.inputs import ReportInputs
from respllm.reports.methods import methods_section
from respllm.reports.scored import results_section
from respllm.reports.tripod import tripod_section

SIMULATED = (
    "SIMULATED: every person and every recording behind these numbers is made up. They say "
    "nothing about patients."
)


def build_report(inputs: ReportInputs) -> Report:
    """Findings first, then all they rest on; a part that is missing says why.

    Raises:
        ValueError: rows or an audit of another protocol than the report's.
    """
    protocols = {row.protocol for row in inputs.rows} | {inputs.protocol}
    if inputs.audit is not None:
        protocols.add(inputs.audit.protocol)
    if len(protocols) > 1:
        found = " and ".join(sorted(protocols))
        raise ValueError(f"one report holds one protocol, got numbers of {found}")
    cases = case_section(inputs)
    sections: list[Section] = [
        results_section(inputs),
        *assessment_sections(inputs),
        *audit_sections(inputs),
        comparison_section(inputs),
        learning_section(inputs),
        attribution_section(inputs),
        *([] if cases is None else [cases]),
        card_section(inputs),
        run_section(inputs),
        tripod_section(inputs),
        methods_section(inputs),
    ]
    title = f"Report on {inputs.run} ({inputs.protocol} protocol)"
    return Report(
        f"SIMULATED: {title}" if inputs.simulated else title,
        (*((SIMULATED,) if inputs.simulated else ()), DISCLAIMER),
        inputs.simulated,
        find(inputs),
        tuple(sections),
    )
