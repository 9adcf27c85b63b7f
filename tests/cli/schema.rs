//! `reports/result.schema.json`: what is written is what it says, and what is broken is not.

use serde_json::{Value, json};

use crate::harness::Place;

fn schema() -> Value {
    let text = include_str!("../../reports/result.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
}

/// The schema with nothing allowed that it does not name, so that no field stays undescribed.
fn strict(mut schema: Value) -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.values_mut().for_each(close);
                if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                    map.insert("additionalProperties".to_owned(), json!(false));
                }
            }
            Value::Array(values) => values.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

fn written(place: &Place, path: &str) -> Value {
    let text = std::fs::read_to_string(place.path().join(path)).expect("a result");
    serde_json::from_str(&text).expect("JSON")
}

/// Goal: results of every kind are as the schema says, and hold nothing that it does not name.
#[test]
fn what_is_written_is_valid() {
    let validator = jsonschema::validator_for(&strict(schema())).expect("the schema is one");
    let place = Place::new();
    for (number, (line, code)) in [
        ("run counter --rounds 1", 0),
        ("run shared-list --heap lock-free --rounds 1", 0),
        ("run counter --rounds 1 --timing off", 0),
        ("run paced-list --duration 300ms", 0),
        ("run counter -D increment=split --duration 300ms", 1),
        (
            "run counter --rounds 1 --require collections>=1000000000",
            3,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        place.run(&format!("{line} -q --out {number}")).code(code);
        let result = written(&place, &format!("{number}/result.json"));
        let errors: Vec<String> = validator
            .iter_errors(&result)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{line}: {errors:#?}");
    }
}

/// Goal: a schema that everything fits would show nothing; each of these breaks it.
#[test]
fn what_is_broken_is_not() {
    let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
    let place = Place::new();
    place.run("run counter --rounds 1 -q --out o").code(0);
    let good = written(&place, "o/result.json");
    assert!(validator.is_valid(&good));
    for (path, value) in [
        ("/schema", json!(2)),
        ("/verdict", json!("fine")),
        ("/checks/0/verdict", json!("crashed")),
        ("/checks/0/examined", json!(-1)),
        ("/ops/add/service/hdr", json!("AAAA")),
        ("/ops/add/count", json!("many")),
        ("/host/cpus", json!(null)),
        ("/seed", json!(0.5)),
        ("/reproduce", json!(7)),
    ] {
        let mut broken = good.clone();
        *broken.pointer_mut(path).expect(path) = value;
        assert!(!validator.is_valid(&broken), "{path}");
    }
    for field in ["tool", "heap", "evidence", "counters", "elapsed_ns"] {
        let mut broken = good.clone();
        broken.as_object_mut().expect("an object").remove(field);
        assert!(!validator.is_valid(&broken), "{field}");
    }
}
