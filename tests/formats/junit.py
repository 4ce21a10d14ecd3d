"""Holds JUnit documents to a schema and reads them, and says in JSON what was seen.

junit.py SCHEMA FILE…  prints a list with an element for each file. Exit code 77: a reader is not installed.
"""

import json
import sys

try:
    from junitparser import JUnitXml
    from xmlschema import XMLSchema
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)


def read(schema, path):
    schema.validate(path)
    suites = JUnitXml.fromfile(path)
    (suite,) = suites
    cases = [
        {
            "name": case.name,
            "classname": case.classname,
            "time": case.time,
            "results": [[type(r).__name__, r.type, r.message, r.text] for r in case.result],
        }
        for case in suite
    ]
    return {
        "tests": suite.tests,
        "failures": suite.failures,
        "skipped": suite.skipped,
        "time": suite.time,
        "hostname": suite.hostname,
        "properties": {p.name: p.value for p in suite.properties()},
        "cases": cases,
    }


if __name__ == "__main__":
    schema = XMLSchema(sys.argv[1])
    json.dump([read(schema, path) for path in sys.argv[2:]], sys.stdout)
