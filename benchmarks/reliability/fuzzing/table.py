"""Tables of people."""

from __future__ import annotations

import io
import json
import math
import unicodedata
from pathlib import Path

from benchmarks.reliability.fuzzing.checks import check


class Table:
    """`read_table` in its five formats."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("a.wav", "b.wav", "c.wav"):
            (folder / name).write_bytes(name.encode())

    def seeds(self) -> dict[str, bytes]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = "audio person label gender age symptoms medical_history split start stop site"
        rows = [
            dict(zip(names.split(), line.split("/"), strict=True))
            for line in (
                "a.wav/p1/1/f/63/cough; fever/asthma/train/0/1.5/x",
                "b.wav/p2/no/Man/45-64/none//test/0.5//Zürich",
                "c.wav/p3///<18/dry cough|cold/copd, asthma/val///",
            )
        ]
        typed = [row | {"age": 63.0, "symptoms": ["cough", "fever"], "label": 1} for row in rows]
        parquet = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(typed), parquet)
        plain = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), plain, compression="gzip", use_dictionary=False)
        lines = [list(rows[0]), *(row.values() for row in rows)]
        quoted = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
        return {
            "rows.csv": quoted.encode(),
            "rows.tsv": "\n".join("\t".join(line) for line in lines).encode(),
            "rows.json": json.dumps(typed).encode(),
            "rows.jsonl": "\n".join(map(json.dumps, typed)).encode(),
            "rows.parquet": parquet.getvalue(),
            "plain.parquet": plain.getvalue(),
        }

    def __call__(self, name: str, content: bytes, forged: bool) -> None:
        from respllm.datasets.table import TableSource, read_table
        from respllm.prompts import dms_text

        path = self.folder / name
        path.write_bytes(content)
        source = TableSource(
            table=Path(name), subject_column="person", split_column="split" if forged else None
        )
        contents = read_table(
            source, dataset="own", sound_type="cough", label="ill", base=self.folder
        )
        for row in contents.rows:
            check(row.label in (0, 1, None), "label")
            check(0 <= row.start < (math.inf if row.stop is None else row.stop), "stretch")
            dms = row.record.dms
            check(isinstance(dms.age, str | None) or 0 <= dms.age <= 130, "age")
            for text in (row.record.record_id, row.record.subject_id, dms_text(dms)):
                check(
                    not any(unicodedata.category(c)[0] == "C" for c in text), "control characters"
                )
