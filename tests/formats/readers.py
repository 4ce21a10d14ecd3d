"""Reads exports with other people's readers, and says in JSON what they saw.

readers.py FORMAT FILE…  prints a list with an element for each file. Exit code 77: a reader is not installed.
"""

import json
import sys


def openmetrics(path):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    # As it comes: a text file's line ends would be made one.
    with open(path, newline="", encoding="utf-8") as file:
        families = list(text_string_to_metric_families(file.read()))
    return [
        {
            "name": family.name,
            "type": family.type,
            "unit": family.unit,
            "samples": [[s.name, s.labels, str(s.value)] for s in family.samples],
        }
        for family in families
    ]


def csv(path):
    from csv import reader

    with open(path, newline="", encoding="utf-8") as file:
        return list(reader(file, strict=True))


def parquet(path):
    from pyarrow.parquet import read_table

    table = read_table(path)
    table.validate(full=True)
    types = {field.name: str(field.type) for field in table.schema}
    return {"types": types, "rows": table.to_pylist()}


def otava(path):
    from otava.importer import JsonImporter
    from otava.test_config import create_test_config

    config = create_test_config("history", {"type": "json", "file": path})
    series = JsonImporter().fetch_data(config)
    changes = series.analyze().change_points
    return {
        "time": series.time,
        "data": series.data,
        "attributes": series.attributes,
        "changes": {name: [int(point.index) for point in points] for name, points in changes.items()},
    }


READERS = {"openmetrics": openmetrics, "csv": csv, "parquet": parquet, "otava": otava}

if __name__ == "__main__":
    read = READERS[sys.argv[1]]
    try:
        seen = [read(path) for path in sys.argv[2:]]
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(77)
    json.dump(seen, sys.stdout, allow_nan=False)
