"""Validates results against the committed schema, and checks that it rejects broken ones.

    schema.py SCHEMA RESULT...

Each result must conform to the schema and must have no field that the schema does not name. A schema that
accepts everything would prove nothing, so the first result is broken in several ways, each of which the
schema must reject.
"""

import copy
import json
import pathlib
import sys

import jsonschema


def strict(value):
    """The schema without fields that it does not name, so that every field must be described."""
    if isinstance(value, dict):
        closed = {key: strict(inner) for key, inner in value.items()}
        if "properties" in closed:
            closed.setdefault("additionalProperties", False)
        return closed
    return [strict(inner) for inner in value] if isinstance(value, list) else value


def broken(good):
    """Each broken result, after the path of what is broken in it."""
    operation = next(iter(good["ops"]))
    changes = [
        (["schema"], 2),
        (["verdict"], "fine"),
        (["checks", 0, "verdict"], "crashed"),
        (["checks", 0, "examined"], -1),
        (["ops", operation, "service", "hdr"], "AAAA"),
        (["ops", operation, "count"], "many"),
        (["host", "cpus"], None),
        (["seed"], 0.5),
        (["reproduce"], 7),
    ]
    for path, value in changes:
        result = copy.deepcopy(good)
        place = result
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        yield path, result
    for field in ["tool", "heap", "evidence", "counters", "elapsed_ns"]:
        result = copy.deepcopy(good)
        del result[field]
        yield field, result


schema, *results = [json.loads(pathlib.Path(name).read_text()) for name in sys.argv[1:]]
jsonschema.Draft202012Validator.check_schema(schema)
loose = jsonschema.Draft202012Validator(schema)
exact = jsonschema.Draft202012Validator(strict(schema))
for name, result in zip(sys.argv[2:], results):
    errors = [f"{error.json_path}: {error.message[:200]}" for error in exact.iter_errors(result)]
    assert not errors, f"{name}: {errors}"
found = 0
for what, result in broken(results[0]):
    assert not loose.is_valid(result), f"the schema accepts a broken {what}"
    found += 1
print(f"{len(results)} results conform to the schema, and {found} broken ones do not")
