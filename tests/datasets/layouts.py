"""Tiny dataset folders in the official layouts, with the odd codes that the real ones have.

Recordings are header-only WAV files: no adapter opens them.
"""

from __future__ import annotations

import csv
import json
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_audio(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".wav":
        path.write_bytes(b"not opened")
        return
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))


def write_csv(path: Path, rows: Sequence[Mapping[str, str]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two of ICBHI's three tables end their lines in this way.
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())


def write_icbhi(root: Path) -> None:
    write_lines(
        root / "ICBHI_Challenge_diagnosis.txt",
        "101\tURTI",
        "102\tHealthy",
        "104\tCOPD",
        "223\tCOPD",
    )
    write_lines(
        root / "ICBHI_Challenge_demographic_information.txt",
        "101\t3\tF\tNA\t19\t99",
        "102\t0.75\tF\tNA\t9.8\t73",
        "104\t70\tM\t28.47\tNA\tNA",
        "223\tNA\tNA\tNA\tNA\tNA",
    )
    write_lines(
        root / "ICBHI_challenge_train_test.txt",
        "101_1b1_Al_sc_Meditron\ttest",
        "102_1b1_Ar_sc_Meditron\ttest",
        "104_1b1_Tc_mc_AKGC417L\ttrain",
        "104_1b1_Lr_mc_AKGC417L\ttrain",
        "223_1b1_Pr_sc_Litt3200\ttrain",
    )
    for stem in (
        "101_1b1_Al_sc_Meditron",
        "102_1b1_Ar_sc_Meditron",
        "104_1b1_Tc_mc_AKGC417L",
        "223_1b1_Pr_sc_Litt3200",
    ):
        suffix = ".flac" if stem.startswith("102") else ".wav"
        write_audio(root / "ICBHI_final_database" / f"{stem}{suffix}")
        write_lines(
            root / "ICBHI_final_database" / f"{stem}.txt", "0.579\t2.45\t1\t0", "0.036\t0.579\t0\t0"
        )


def write_kauh(root: Path) -> None:
    for name in (
        "BP1_Asthma,I E W,P L L,70,M.wav",
        "DP1_Asthma,I E W,P L L,70,M.wav",
        "EP1_Asthma,I E W,P L L,70,M.wav",
        "BP2_Asthma,E W,P L L R,52,F.wav",
        "DP2_asthma,E W,P L L R,52,F.wav",
        "BP5_Heart Failure + COPD,I C E W,P L R ,71,M.WAV",
        "BP6_Plueral Effusion,I C B,P L R,81,M.flac",
        "BP20_Asthma and lung fibrosis,C,A R M,90,M.wav",
        "BP26_Lung Fibrosis,Crep,P,90,F.wav",
        "bp47_asthma,e w,p l m,60,m.wav",
        "BP100_N,N,P R M,70,F.wav",
        "BP108_COPD,E W,P R L ,63,M.wav",
        "._BP1_Asthma,I E W,P L L,70,M.wav",
    ):
        write_audio(root / "Audio Files" / name)


_COSWARA_HEADER = (
    "id,a,covid_status,record_date,ep,g,l_c,l_l,l_s,rU,smoker,cold,ht,diabetes,cough,ctDate,ctScan,"
    "ctScore,diarrhoea,fever,loss_of_smell,mp,testType,test_date,test_status,um,vacc,bd,"
    "others_resp,ftg,st,ihd,asthma,others_preexist,cld,pneumonia"
)
COSWARA_COLUMNS = _COSWARA_HEADER.split(",")


def write_coswara(root: Path) -> None:
    people = [
        {"id": "aaa", "a": "28", "covid_status": "healthy", "g": "male", "smoker": "y"},
        {"id": "bbb", "a": "35", "covid_status": "positive_asymp", "g": "female", "ht": "True"},
        {
            **{"id": "ccc", "a": "0", "covid_status": "recovered_full", "g": "other"},
            **{"cough": "True", "st": "True", "smoker": "True", "asthma": "True"},
        },
        {"id": "ddd", "a": "61", "covid_status": "positive_mild", "g": "female"},
    ]
    blank = dict.fromkeys(COSWARA_COLUMNS, "")
    write_csv(root / "combined_data.csv", [blank | person for person in people])
    for person, day in (("aaa", "20200413"), ("bbb", "20200504"), ("ccc", "20200504")):
        folder = root / "Extracted_data" / day / person
        for sound in ("breathing-deep", "cough-heavy", "counting-fast", "vowel-a"):
            write_audio(folder / f"{sound}.wav")
        (folder / "metadata.json").write_text(json.dumps({"id": person}))
    write_audio(root / "Extracted_data" / "20200504" / "zzz" / "cough-heavy.wav")


UK_HISTORY = ("none", "asthma", "other", "prefer_not_to_say")
_UK_SYMPTOMS = (
    "none cough_any new_continuous_cough runny_or_blocked_nose shortness_of_breath sore_throat "
    "abdominal_pain diarrhoea fatigue fever_high_temperature headache "
    "change_to_sense_of_smell_or_taste loss_of_taste other prefer_not_to_say"
)
UK_SYMPTOMS = _UK_SYMPTOMS.split()


def write_uk_covid19(root: Path) -> None:
    boxes = dict.fromkeys(
        [f"respiratory_condition_{name}" for name in UK_HISTORY]
        + [f"symptom_{name}" for name in UK_SYMPTOMS],
        "0",
    )
    people = {
        "p1": {
            **{"age": "45-64", "gender": "Female", "covid_test_result": "Positive"},
            **{"respiratory_condition_asthma": "1", "symptom_cough_any": "1"},
            **{"symptom_fatigue": "1", "symptom_headache": "1"},
        },
        "p2": {
            **{"age": "65+", "gender": "Prefer not to say", "covid_test_result": "Negative"},
            **{"respiratory_condition_none": "1", "symptom_none": "1"},
        },
        "p3": {
            **{"age": "18-44", "gender": "Male", "covid_test_result": ""},
            **{"respiratory_condition_prefer_not_to_say": "1", "symptom_prefer_not_to_say": "1"},
        },
    }
    start = {"smoker_status": "Never smoked", "recruitment_source": "Test and Trace"}
    write_csv(
        root / "participant_metadata.csv",
        [{"participant_identifier": p} | start | boxes | cells for p, cells in people.items()],
    )
    files = {
        # The first name of each is in the published subset of 2,500.
        "p1": (
            "62-12-9245c80e-9903-4d42-a88cab2a8b34e1e1.wav",
            "62-13-45cf5aab-9cb9-46ad-b5c009d61e8f016a.wav",
            "p1-three.wav",
        ),
        "p2": ("p2-exhalation.wav", "p2-cough.wav", ""),
        "p3": ("p3-exhalation.wav", "p3-cough.wav", "p3-three.wav"),
    }
    rows = []
    for person, names in files.items():
        row = {"participant_identifier": person, "missing_audio": ""}
        for sound, name in zip(("exhalation", "cough", "three_cough"), names, strict=True):
            row |= {f"{sound}_file_name": name, f"{sound}_size": "96044"}
            if name and name != "p3-exhalation.wav":
                write_audio(root / "audio" / name)
        rows.append(row)
    rows[2]["cough_size"] = "44.0"
    write_csv(root / "audio_metadata.csv", rows)
    write_csv(
        root / "train_test_splits.csv",
        [
            {"participant_identifier": "p1", "splits": "val", "in_matched_rebalanced_train": "1"},
            {"participant_identifier": "p2", "splits": "test", "in_matched_rebalanced_train": "0"},
            {"participant_identifier": "p3", "splits": "long", "in_matched_rebalanced_train": "0"},
        ],
    )


WEB_FOLDER = "2020-04-07-10_11_12_123456"


def write_covid19_sounds(root: Path) -> None:
    ana = {
        **{"Uid": "ANA", "Age": "50-59", "Sex": "Female", "Medhistory": "copd,hbp,"},
        **{"Smoking": "1to10", "Language": "en", "Date": "1", "Folder Name": "f1"},
        **{"Symptoms": ",drycoough,shortbreath,tighness", "Covid-Tested": "negativeNever"},
        **{"Hospitalized": "no", "Location": "", "Voice filename": "voice_ANA_1.wav"},
        **{"Cough filename": "cough_ANA_1.wav", "Breath filename": "breath_ANA_1.wav"},
    }
    bob = ana | {
        **{"Uid": "BOB", "Age": "pnts", "Sex": "pnts", "Medhistory": "None", "Smoking": "never"},
        **{"Symptoms": "None", "Folder Name": "f2", "Cough filename": "cough_BOB_2.wav"},
        "Breath filename": "",
    }
    web = ana | {
        **{"Uid": WEB_FOLDER, "Age": "90-", "Sex": "Other", "Medhistory": "pnts"},
        **{"Folder Name": WEB_FOLDER, "Symptoms": "", "Cough filename": "audio_file_cough.webm"},
        "Breath filename": "audio_file_breathe.webm",
    }
    write_csv(
        root / "data_0426_en_task1.csv",
        [
            ana | {"split": "0", "label": "1"},
            bob | {"split": "1", "label": "0"},
            web | {"split": "2", "label": "1"},
        ],
        ";",
    )
    cyd = ana | {
        **{"Uid": "CYD", "Folder Name": "f3", "Age": "16-19", "Sex": "Male"},
        **{"Cough filename": "cough_CYD_3.wav", "Breath filename": "breath_CYD_3.wav"},
        **{"Medhistory": "long,otherHeart", "Symptoms": "muscleache,runny,runnyblockednose,"},
    }
    checks = {"Voice check": "v", "Cough check": "c", "Breath check": "n", "": "0"}
    write_csv(
        root / "results_raw_20210426_lan_yamnet_android_noloc.csv",
        [row | checks | {"Sampling Rate": "44100"} for row in (ana, bob, cyd)],
        ";",
    )
    write_csv(
        root / "results_raw_20210426_lan_yamnet_web_noloc.csv",
        [dict(reversed((web | {"Uid": "form-app-users"} | checks).items()))],
        ";",
    )
    write_csv(
        root / "data_0426_en_task2.csv",
        [
            _task2("0", "ANA\\f1\\{}_ANA_1.wav", "0", "ANA", "train"),
            _task2("1", "CYD\\f3\\{}_CYD_3.wav", "1", "CYD", "validation"),
            _task2("2", "DOT\\f4\\{}_DOT_4.wav", "1", "DOT", "test"),
        ],
    )
    for base, name in (
        ("0426_EN_used_task1", "ANA/f1/cough_ANA_1.wav"),
        ("0426_EN_used_task2", "ANA/f1/cough_ANA_1.wav"),
        ("0426_EN_used_task1", "ANA/f1/breath_ANA_1.flac"),
        ("0426_EN_used_task1", "BOB/f2/cough_BOB_2.wav"),
        ("0426_EN_used_task1", f"form-app-users/{WEB_FOLDER}/audio_file_cough.webm"),
        ("0426_EN_used_task2", "CYD/f3/cough_CYD_3.wav"),
        ("0426_EN_used_task2", "CYD/f3/breath_CYD_3.wav"),
        ("0426_EN_used_task2", "DOT/f4/cough_DOT_4.wav"),
    ):
        write_audio(root / base / name)


def _task2(index: str, path: str, label: str, uid: str, fold: str) -> dict[str, str]:
    return {
        "": index,
        "cough_path": path.format("cough"),
        "breath_path": path.format("breath"),
        "voice_path": path.format("voice"),
        "label": label,
        "uid": uid,
        "categs": "x",
        "fold": fold,
    }


WRITERS = {
    "icbhi": write_icbhi,
    "kauh": write_kauh,
    "coswara": write_coswara,
    "uk_covid19": write_uk_covid19,
    "covid19_sounds": write_covid19_sounds,
}
