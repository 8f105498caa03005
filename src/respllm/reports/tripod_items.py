"""The 27 items of TRIPOD+AI with their 52 sub-items, paraphrased.

Collins et al. (2024), BMJ 385:e078378. The wording here is ours; submit with the published form.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TripodItem:
    """One sub-item.

    Attributes:
        number: "12c".
        section: part of a paper it belongs to.
        asks: what is to be reported.
    """

    number: str
    section: str
    asks: str


_TEXT = """
Title
1 | Say that a prediction model is developed or evaluated, for whom and for which outcome
Abstract
2 | Follow the TRIPOD+AI list for abstracts
Introduction
3a | Healthcare context (diagnosis or prognosis), why the model, which models exist
3b | Target population, purpose within the care pathway, intended users
3c | Known health inequalities between sociodemographic groups
4 | Objectives, and whether a model is developed, evaluated or both
Methods
5a | Sources of the data, for development and evaluation apart; why these, and how representative
5b | Dates of the data: start and end of recruitment, end of follow-up
6a | Setting: kind of care or population, number and place of centres
6b | Who was eligible
6c | Treatments received, and how they were handled
7 | Preparation and quality checks of the data, and whether alike across groups
8a | Outcome: definition, time horizon, how assessed, why this one, and whether alike across groups
8b | Where the outcome needs judgement: who assessed it, with what qualification
8c | What blinded the assessment of the outcome
9a | How the first set of predictors was chosen, and any selection before modelling
9b | Each predictor: definition, how and when measured, and blinding
9c | Where predictors need judgement: who assessed them, with what qualification
10 | How the study size was arrived at, for development and evaluation apart, and why it suffices
11 | Missing data: how handled, and why anything was left out
12a | How the data were used and divided, with regard to sample size
12b | How predictors enter the analysis: form, rescaling, transformation
12c | Kind of model, why, all steps of building it, tuning, and internal validation
12d | Differences between clusters (hospitals, countries): how handled and measured
12e | Measures and plots of performance and why, and comparisons between models
12f | Updating of the model after evaluation, overall or for groups or settings
12g | For an evaluation: how predictions were computed (formula, code, object, interface)
13 | Class imbalance: what was done, why, how, and recalibration afterwards
14 | What was done about fairness, and why
15 | Output of the model; classes and thresholds, and how they were chosen
16 | Differences between development and evaluation data: setting, eligibility, outcome, predictors
17 | Ethics committee and consent, or waiver
Open science
18a | Funding and the role of the funders
18b | Conflicts of interest and financial disclosures
18c | Where the protocol is, or that there was none
18d | Registration, or that there was none
18e | Where the data are
18f | Where the analysis code is
Patient and public involvement
19 | How patients and the public took part, or that they did not
Results
20a | Flow of participants, with and without the outcome, and follow-up
20b | Characteristics overall and per source: dates, predictors, treatments, size, outcomes, missing
20c | For an evaluation: predictors compared with the development data
21 | Participants and outcomes in each analysis: development, tuning, evaluation
22 | The whole model, so that others can predict with it, and restrictions on its use
23a | Performance with intervals, also for key subgroups; plots
23b | Differences of performance between clusters, if examined
24 | Results of updating, if done
Discussion
25 | Interpretation, fairness included, with objectives and earlier studies in view
26 | Limitations and what they do to bias, uncertainty and generalisability
27a | How poor or missing input is to be assessed and handled in use
27b | Whether users must handle input or output, and with what expertise
27c | Next steps, with a view to applicability and generalisability
"""


def _items() -> tuple[TripodItem, ...]:
    items, section = [], ""
    for line in _TEXT.strip().splitlines():
        number, bar, asks = line.partition(" | ")
        if bar:
            items.append(TripodItem(number, section, asks))
        else:
            section = line
    return tuple(items)


TRIPOD_ITEMS = _items()
